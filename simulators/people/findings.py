"""What people say about faults: what is noticed from outside, found on site, and written down."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What a technician writes of a fault, in the codes of ISO 14224, and which part it takes.

    `noticed` is what somebody at the machine says who knows nothing of it; empty where nobody
    would notice.
    """

    mode: str
    cause: str
    note: str
    part: str = ""
    noticed: str = ""


_OPERATION, _OTHER, _MADE = "operation_maintenance", "miscellaneous", "fabrication_installation"

_FINDINGS: Mapping[str, Finding] = {
    "oil_cooler_clogging": Finding(
        "OHE", _OPERATION, "Blew out the oil cooler; temperature back to normal.",
        noticed="It is getting hot, and it smells of oil.",
    ),
    "separator_clogging": Finding(
        "PLU", _OPERATION, "Changed separator element and oil filter.", "separator element",
        noticed="There is oil in the air.",
    ),
    "inlet_filter_clogging": Finding(
        "PLU", _OPERATION, "Changed the inlet filter; told the operator about the dust.",
        noticed="We do not get the pressure that we had.",
    ),
    "bearing_wear": Finding(
        "VIB", _OTHER, "Changed the air-end bearings.", "bearing kit",
        noticed="It is louder than it was, a grinding noise.",
    ),
    "air_leak": Finding(
        "ELU", _OPERATION, "Found the leak with the ultrasonic probe; sealed the fitting.",
        noticed="One hears it hiss, and the pressure drops.",
    ),
    "unloader_valve_failure": Finding(
        "FTF", _OTHER, "Changed the unloader valve and its seat.", "unloader valve",
        noticed="It starts and stops all the time.",
    ),
    "seal_leak": Finding(
        "ELP", _OTHER, "Changed the mechanical seal.", "mechanical seal",
        noticed="Water stands below the pump.",
    ),
    "cavitation": Finding(
        "NOI", _OPERATION, "Cleaned the suction strainer; runs quietly again.",
        noticed="It sounds as if there were gravel in the pump.",
    ),
    "imbalance": Finding(
        "VIB", _MADE, "Balanced the impeller and checked the alignment.",
        noticed="The whole frame shakes.",
    ),
    "pump_bearing_wear": Finding(
        "VIB", _OTHER, "Changed both bearings of the pump.", "bearing kit",
        noticed="The bearing is hot and loud.",
    ),
    "impeller_wear": Finding(
        "LOO", _OTHER, "Changed the impeller and the wear rings.", "impeller",
        noticed="It does not bring the water up any more.",
    ),
    "spindle_bearing_wear": Finding(
        "VIB", _OTHER, "Changed the spindle bearings and ran them in.", "spindle bearing set",
        noticed="The surfaces show marks, and the spindle sings.",
    ),
    "coolant_filter_clogging": Finding(
        "PLU", _OPERATION, "Changed the coolant filter and cleaned the tank.", "coolant filter",
        noticed="Hardly any coolant comes.",
    ),
    "hydraulic_leak": Finding(
        "ELU", _OTHER, "Changed a hydraulic hose and topped up the oil.", "hydraulic hose",
        noticed="There is an oil stain below the machine.",
    ),
    "axis_friction": Finding(
        "PDE", _OPERATION, "Cleaned and greased the guideways; lubrication pump set right.",
        noticed="The axis jerks.",
    ),
    "cell_ageing": Finding(
        "LOO", _OTHER, "Capacity measured; three weak cells exchanged.", "battery cells",
        noticed="The battery does not last a shift.",
    ),
    "cell_short": Finding(
        "BRD", _OTHER, "Exchanged the shorted cell.", "battery cell",
        noticed="The battery gets hot when charging.",
    ),
    "brake_drag": Finding(
        "OHE", _OPERATION, "Freed and adjusted the brake.",
        noticed="It drives sluggishly, and the wheel is hot.",
    ),
    "hydraulic_pump_wear": Finding(
        "LOO", _OTHER, "Changed the hydraulic pump.", "hydraulic pump",
        noticed="The mast lifts slowly.",
    ),
}  # fmt: skip

_ELSE = Finding("OTH", _OTHER, "Repaired on site.")
NOTHING = Finding("NFF", "no_fault_found", "Checked on site; nothing was wrong.")


def describe_fault(kind: str) -> Finding:
    """What is said of a kind of fault."""
    return _FINDINGS.get(kind, _ELSE)
