"""Units of measure by their UCUM codes, and conversion between them; pint stays inside."""

import threading
from dataclasses import dataclass

import pint

from foundation.errors import Invalid

# UCUM code → (pint expression, what a person reads). The codes users may give to a metric.
_UNITS: dict[str, tuple[str, str]] = {
    "1": ("dimensionless", ""),
    "%": ("percent", "%"),
    "Cel": ("degC", "°C"),
    "K": ("kelvin", "K"),
    "[degF]": ("degF", "°F"),
    "bar": ("bar", "bar"),
    "mbar": ("millibar", "mbar"),
    "Pa": ("pascal", "Pa"),
    "kPa": ("kilopascal", "kPa"),
    "MPa": ("megapascal", "MPa"),
    "[psi]": ("psi", "psi"),
    "A": ("ampere", "A"),
    "mA": ("milliampere", "mA"),
    "V": ("volt", "V"),
    "mOhm": ("milliohm", "mΩ"),
    "W": ("watt", "W"),
    "kW": ("kilowatt", "kW"),
    "kW.h": ("kilowatt_hour", "kWh"),
    "J": ("joule", "J"),
    "mm/s": ("millimeter/second", "mm/s"),
    "m/s": ("meter/second", "m/s"),
    "m/s2": ("meter/second**2", "m/s²"),
    "[g]": ("standard_gravity", "g"),
    "um": ("micrometer", "µm"),
    "mm": ("millimeter", "mm"),
    "m": ("meter", "m"),
    "m3/min": ("meter**3/minute", "m³/min"),
    "m3/h": ("meter**3/hour", "m³/h"),
    "L/min": ("liter/minute", "l/min"),
    "L/h": ("liter/hour", "l/h"),
    "L": ("liter", "l"),
    "Hz": ("1/second", "Hz"),
    "/min": ("1/minute", "1/min"),
    "{rpm}": ("1/minute", "rpm"),
    "h": ("hour", "h"),
    "min": ("minute", "min"),
    "s": ("second", "s"),
    "N": ("newton", "N"),
    "N.m": ("newton*meter", "N·m"),
    "kg": ("kilogram", "kg"),
}

_lock = threading.Lock()
_registry: list[pint.UnitRegistry[float]] = []


@dataclass(frozen=True, slots=True)
class Conversion:
    """target = source · scale + offset."""

    scale: float
    offset: float


def is_unit(code: str) -> bool:
    """Whether a metric or a signal may have this UCUM code."""
    return code in _UNITS


def list_units() -> list[str]:
    """All UCUM codes that we know, in their order of kind."""
    return list(_UNITS)


def symbol(code: str) -> str:
    """What a person reads for a UCUM code; the code itself when unknown."""
    return _UNITS[code][1] if code in _UNITS else code


def get_conversion(source: str, target: str) -> Conversion:
    """The straight line from one unit to another.

    Raises:
        Invalid: when a code is unknown or the units measure different things.
    """
    for code in (source, target):
        if code not in _UNITS:
            raise Invalid(
                "%(code)s is no unit we know; use a UCUM code such as Cel, bar or kW.",
                code=repr(code),
            )
    if source == target:
        return Conversion(1.0, 0.0)
    zero = _convert(0.0, source, target)
    return Conversion(_convert(1.0, source, target) - zero, zero)


def _convert(value: float, source: str, target: str) -> float:
    registry = _get_registry()
    try:
        quantity = registry.Quantity(value, _UNITS[source][0]).to(_UNITS[target][0])
    except pint.DimensionalityError as error:
        raise Invalid(
            "%(source)s cannot be converted to %(target)s: %(error)s.",
            source=source,
            target=target,
            error=error,
        ) from error
    return float(quantity.magnitude)


def _get_registry() -> "pint.UnitRegistry[float]":
    # Loading the registry costs 0.1 s: once per process, and only where a conversion is asked for.
    with _lock:
        if not _registry:
            _registry.append(pint.UnitRegistry(autoconvert_offset_to_baseunit=True))
        return _registry[0]
