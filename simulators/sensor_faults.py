"""Sensors that lie: they drift, stick or fall silent for a while; sound ones are in sensors.

What is wrong with a sensor is data with a beginning and an end, like a machine's fault. It befalls
what is reported and never the machine.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from foundation.errors import Invalid
from simulators.noise import draw_uniform
from simulators.sensors import Sensor

Times = NDArray[np.int64]
Values = NDArray[np.float64]

_DAY_MS = 86_400_000
_MONTH_MS = 30 * _DAY_MS
_MONTHS_A_YEAR = 365.25 / 30


class SensorFaultKind(StrEnum):
    """How a sensor lies."""

    DRIFT = "drift"
    STUCK = "stuck"
    DROP_OUT = "drop_out"


@dataclass(frozen=True, slots=True)
class SensorFault:
    """One metric's sensor is at fault in [from_ms, until_ms).

    `size` of a drift is what is added each day, in the metric's unit; of a drop-out the share of
    its readings that are missing, 1 for all of them. A stuck sensor stays at what it said first.
    """

    metric: str
    kind: SensorFaultKind
    from_ms: int
    until_ms: int
    size: float = 1.0

    def is_present(self, times_ms: Times) -> NDArray[np.bool_]:
        """The label at each time."""
        return (times_ms >= self.from_ms) & (times_ms < self.until_ms)


class FaultySensors:
    """The sensors of one machine on their way through time; stretches must follow each other.

    A value that is missing is NaN and has no place in a message.
    """

    def __init__(self, seed: int, faults: Iterable[SensorFault]) -> None:
        self._seed = seed
        # What sticks has drifted before, and what is silent says nothing however it is.
        order = list(SensorFaultKind)
        self._faults = sorted(faults, key=lambda fault: order.index(fault.kind))
        self._stuck_at: dict[SensorFault, float] = {}

    def read(self, times_ms: Times, reported: Mapping[str, Values]) -> dict[str, Values]:
        """What is reported in the end; the given values stay as they are.

        Raises:
            Invalid: when a fault names a metric that the machine does not report.
        """
        read = dict(reported)
        for fault in self._faults:
            if fault.metric not in read:
                raise Invalid(f"There is no metric {fault.metric!r} whose sensor could fail.")
            rows = np.flatnonzero(fault.is_present(times_ms))
            if rows.size:
                values = read[fault.metric].copy()
                values[rows] = self._spoil(fault, times_ms[rows], values[rows])
                read[fault.metric] = values
        return read

    def _spoil(self, fault: SensorFault, times_ms: Times, values: Values) -> Values:
        if fault.kind is SensorFaultKind.DRIFT:
            return values + fault.size * (times_ms - fault.from_ms) / _DAY_MS
        if fault.kind is SensorFaultKind.STUCK:
            return np.full(values.shape, self._stuck_at.setdefault(fault, float(values[0])))
        is_missing = draw_uniform(self._seed, f"drop-out {fault.metric}", times_ms) < fault.size
        return np.where(is_missing, np.nan, values)


def draw_sensor_faults(
    seed: int, sensors: Mapping[str, Sensor], begin_ms: int, end_ms: int, *, a_year: float = 0.5
) -> tuple[SensorFault, ...]:
    """Faults of a machine's sensors that begin in [begin_ms, end_ms), so many in a year.

    At most one begins in a month. States and counters, which are no measurements, do not fail.
    """
    fragile = sorted(name for name, sensor in sensors.items() if sensor.noise > 0.0)
    months = np.arange(begin_ms // _MONTH_MS, end_ms // _MONTH_MS + 1)
    begins = draw_uniform(seed, "sensor fault", months) < a_year / _MONTHS_A_YEAR
    drawn = _draw_each(seed, fragile, sensors, months[begins])
    return tuple(fault for fault in drawn if begin_ms <= fault.from_ms < end_ms)


def _draw_each(
    seed: int, fragile: list[str], sensors: Mapping[str, Sensor], months: NDArray[np.int64]
) -> Iterator[SensorFault]:
    names = ("sensor", "lie", "begin", "length", "size")
    draws = np.stack([draw_uniform(seed, f"fault of a {name}", months) for name in names], axis=1)
    kinds = list(SensorFaultKind)
    for month, (which, how, begin, length, size) in zip(
        months.tolist(), draws.tolist(), strict=True
    ):
        metric = fragile[int(which * len(fragile))]
        kind = kinds[int(how * len(kinds))]
        from_ms = int((month + begin) * _MONTH_MS)
        until_ms = from_ms + int((1.0 + 20.0 * length) * _DAY_MS)
        # Drifts half a standard deviation of the noise a day or more, up or down.
        drift = sensors[metric].noise * (0.5 + size) * (1.0 if size < 0.5 else -1.0)
        is_drift = kind is SensorFaultKind.DRIFT
        yield SensorFault(metric, kind, from_ms, until_ms, drift if is_drift else 0.3 + 0.7 * size)
