"""Codes that a close-out names: failure modes and causes after ISO 14224, with English labels.

Other languages are the portal's; what a close-out must contain is in rules.py.
"""

from enum import StrEnum


class FailureMode(StrEnum):
    """How the failure showed itself (ISO 14224, annex B); `NFF` is ours: nothing was wrong."""

    AIR = "AIR"
    BRD = "BRD"
    ELP = "ELP"
    ELU = "ELU"
    ERO = "ERO"
    FTF = "FTF"
    FTS = "FTS"
    HIO = "HIO"
    INL = "INL"
    LOO = "LOO"
    NOI = "NOI"
    OHE = "OHE"
    PDE = "PDE"
    PLU = "PLU"
    STD = "STD"
    STP = "STP"
    UST = "UST"
    VIB = "VIB"
    OTH = "OTH"
    NFF = "NFF"


class FailureCause(StrEnum):
    """Where the failure came from (ISO 14224, annex B); the last is ours: nothing was wrong."""

    DESIGN = "design"
    FABRICATION_INSTALLATION = "fabrication_installation"
    OPERATION_MAINTENANCE = "operation_maintenance"
    MANAGEMENT = "management"
    MISCELLANEOUS = "miscellaneous"
    NO_FAULT_FOUND = "no_fault_found"


FAILURE_MODE_LABELS: dict[FailureMode, str] = {
    FailureMode.AIR: "Abnormal instrument reading",
    FailureMode.BRD: "Breakdown",
    FailureMode.ELP: "External leakage of process medium",
    FailureMode.ELU: "External leakage of utility medium",
    FailureMode.ERO: "Erratic output",
    FailureMode.FTF: "Failure to function on demand",
    FailureMode.FTS: "Failure to start on demand",
    FailureMode.HIO: "High output",
    FailureMode.INL: "Internal leakage",
    FailureMode.LOO: "Low output",
    FailureMode.NOI: "Noise",
    FailureMode.OHE: "Overheating",
    FailureMode.PDE: "Parameter deviation",
    FailureMode.PLU: "Plugged or choked",
    FailureMode.STD: "Structural deficiency",
    FailureMode.STP: "Failure to stop on demand",
    FailureMode.UST: "Spurious stop",
    FailureMode.VIB: "Vibration",
    FailureMode.OTH: "Other",
    FailureMode.NFF: "No fault found",
}

FAILURE_CAUSE_LABELS: dict[FailureCause, str] = {
    FailureCause.DESIGN: "Design",
    FailureCause.FABRICATION_INSTALLATION: "Fabrication or installation",
    FailureCause.OPERATION_MAINTENANCE: "Operation or maintenance",
    FailureCause.MANAGEMENT: "Management",
    FailureCause.MISCELLANEOUS: "Miscellaneous or unknown",
    FailureCause.NO_FAULT_FOUND: "No fault found",
}
