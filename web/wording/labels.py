"""What a person reads for each of our codes: states, moves, roles, severities, faults.

Constants only; sentences with values in them are in words.py. Texts of users are never put here.
"""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from devices.ownership import PartyKind
from devices.readings import RejectionCode
from devices.sharing.models import GrantAct, GrantState, Purpose
from foundation.identity.scope import OrganisationKind, Role
from services.notifications.rules import NoticeKind
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.rules import EntryKind, Move, TicketState
from telemetry.alarms.models import Severity
from telemetry.health import MachineState
from telemetry.verdicts import VerdictKind

Labels = Mapping[str, LazyString]

ROLES: Labels = {
    Role.MANUFACTURER: _("Manufacturer"),
    Role.DEALER_MANAGER: _("Service manager"),
    Role.TECHNICIAN: _("Technician"),
    Role.CUSTOMER: _("Customer"),
}

ORGANISATION_KINDS: Labels = {
    OrganisationKind.MANUFACTURER: _("Manufacturer"),
    OrganisationKind.DEALER: _("Dealer"),
    OrganisationKind.CUSTOMER: _("Customer"),
}

PARTY_KINDS: Labels = {
    PartyKind.OWNER: _("Its owner"),
    PartyKind.SERVICING: _("The dealer who serves it"),
}

ENTRY_KINDS: Labels = {
    EntryKind.OPENED: _("Ticket opened"),
    EntryKind.ALARM: _("A further alarm joined"),
    EntryKind.REPORT: _("Reported again"),
    EntryKind.RETURNED: _("The condition is back"),
    EntryKind.ASSIGNED: _("Assigned"),
    EntryKind.MOVED: _("Moved on"),
    EntryKind.COMMENT: _("Message"),
}

PURPOSES: Labels = {
    Purpose.SERVICE: _("Service"),
    Purpose.PRODUCT_IMPROVEMENT: _("Product improvement"),
    Purpose.WARRANTY: _("Warranty"),
    Purpose.THIRD_PARTY: _("Work of a third party"),
    Purpose.EMERGENCY: _("Emergency"),
}

GRANT_STATES: Labels = {
    GrantState.REQUESTED: _("asked for"),
    GrantState.GIVEN: _("given"),
    GrantState.REFUSED: _("refused"),
    GrantState.ENDED: _("ended"),
}

GRANT_ACTS: Labels = {
    GrantAct.AGREED: _("agreed at commissioning"),
    GrantAct.REQUEST: _("asked for"),
    GrantAct.GIVE: _("given"),
    GrantAct.LIMIT: _("limited"),
    GrantAct.REFUSE: _("refused"),
    GrantAct.REVOKE: _("revoked"),
    GrantAct.BREAK_GLASS: _("opened without a grant"),
    GrantAct.EXPIRE: _("expired"),
}

MACHINE_STATES: Labels = {
    MachineState.CRITICAL: _("Critical"),
    MachineState.NO_DATA: _("No data"),
    MachineState.NEEDS_SERVICE: _("Needs service"),
    MachineState.WATCH: _("Watch"),
    MachineState.WELL: _("Well"),
}
# The state chip of the front end knows the worst state by what it looks like.
CHIPS = {state: "stopped" if state == MachineState.CRITICAL else state for state in MachineState}
# State → (icon, colour) of a figure that counts its machines, as on the chip.
MACHINE_MARKS: Mapping[str, tuple[str, str]] = {
    MachineState.CRITICAL: ("stopped", "stopped"),
    MachineState.NO_DATA: ("no-reading", "silent"),
    MachineState.NEEDS_SERVICE: ("needs-service", "service"),
    MachineState.WATCH: ("watch", "watch"),
    MachineState.WELL: ("well", "well"),
}

SEVERITIES: Labels = {
    Severity.WARNING: _("Warning"),
    Severity.SERIOUS: _("Serious"),
    Severity.CRITICAL: _("Critical"),
}
SEVERITY_CHIPS = {
    Severity.WARNING: "watch",
    Severity.SERIOUS: "needs_service",
    Severity.CRITICAL: "stopped",
}

TICKET_STATES: Labels = {
    TicketState.NEW: _("New"),
    TicketState.ACKNOWLEDGED: _("Accepted"),
    TicketState.IN_PROGRESS: _("In progress"),
    TicketState.WAITING: _("Waiting"),
    TicketState.SOLVED: _("Solved"),
    TicketState.CLOSED: _("Closed"),
    TicketState.CANCELLED: _("Cancelled"),
}
# Who asked for help wants to know what happens, not how the dealer sorts its work.
TICKET_STATES_FOR_CUSTOMER: Labels = {
    **TICKET_STATES,
    TicketState.NEW: _("Sent to your dealer"),
    TicketState.ACKNOWLEDGED: _("Your dealer has it"),
    TicketState.IN_PROGRESS: _("Being worked on"),
    TicketState.WAITING: _("Waiting for something"),
    TicketState.SOLVED: _("Solved, please check"),
    TicketState.CLOSED: _("Done"),
}
# State → (icon, colour) of its mark.
TICKET_MARKS: Mapping[str, tuple[str, str]] = {
    TicketState.NEW: ("flag", "accent"),
    TicketState.ACKNOWLEDGED: ("eye", "watch"),
    TicketState.IN_PROGRESS: ("play", "watch"),
    TicketState.WAITING: ("pause", "service"),
    TicketState.SOLVED: ("check", "well"),
    TicketState.CLOSED: ("check-circle", ""),
    TicketState.CANCELLED: ("cross", ""),
}

MOVES: Labels = {
    Move.ACKNOWLEDGE: _("Accept"),
    Move.START: _("Start work"),
    Move.WAIT: _("Wait for something"),
    Move.SOLVE: _("Report as solved"),
    Move.CLOSE: _("Close out"),
    Move.CANCEL: _("Cancel the ticket"),
    Move.REOPEN: _("Reopen"),
}
MOVES_DONE: Labels = {
    Move.ACKNOWLEDGE: _("Accepted"),
    Move.START: _("Work started"),
    Move.WAIT: _("Waiting"),
    Move.SOLVE: _("Reported as solved"),
    Move.CLOSE: _("Closed"),
    Move.CANCEL: _("Cancelled"),
    Move.REOPEN: _("Reopened"),
}
MOVE_ICONS: Mapping[str, str] = {
    Move.ACKNOWLEDGE: "check",
    Move.START: "play",
    Move.WAIT: "pause",
    Move.SOLVE: "check-circle",
    Move.CLOSE: "check-circle",
    Move.CANCEL: "cross",
    Move.REOPEN: "reset",
}

VERDICTS: Labels = {
    VerdictKind.RIGHT: _("Right"),
    VerdictKind.FALSE: _("False alarm"),
    VerdictKind.UNCLEAR: _("Cannot say"),
}
VERDICT_ICONS: Mapping[str, str] = {
    VerdictKind.RIGHT: "thumb-up",
    VerdictKind.FALSE: "thumb-down",
    VerdictKind.UNCLEAR: "unclear",
}

# The answers of a close-out, the most usual first; a ticket's likely one is put before them.
FAILURE_MODES: Labels = {
    FailureMode.BRD: _("Breakdown"),
    FailureMode.OHE: _("Too hot"),
    FailureMode.VIB: _("Vibration"),
    FailureMode.ELU: _("Leaks oil, water or air"),
    FailureMode.NFF: _("No fault found"),
    FailureMode.PLU: _("Plugged or choked"),
    FailureMode.NOI: _("Noise"),
    FailureMode.LOO: _("Output too low"),
    FailureMode.HIO: _("Output too high"),
    FailureMode.ERO: _("Output goes up and down"),
    FailureMode.FTS: _("Does not start"),
    FailureMode.UST: _("Stops by itself"),
    FailureMode.STP: _("Does not stop"),
    FailureMode.FTF: _("Does not do its work"),
    FailureMode.AIR: _("Sensor shows nonsense"),
    FailureMode.PDE: _("A reading is off"),
    FailureMode.ELP: _("Leaks what it conveys"),
    FailureMode.INL: _("Leaks inside"),
    FailureMode.STD: _("Cracked, worn or bent"),
    FailureMode.OTH: _("Something else"),
}

FAILURE_CAUSES: Labels = {
    FailureCause.OPERATION_MAINTENANCE: _("Use, wear or maintenance"),
    FailureCause.FABRICATION_INSTALLATION: _("Made or installed wrongly"),
    FailureCause.DESIGN: _("Design"),
    FailureCause.MANAGEMENT: _("Planning or documents"),
    FailureCause.MISCELLANEOUS: _("Other or not known"),
    FailureCause.NO_FAULT_FOUND: _("No fault found"),
}

NORMAL_PERIOD: Labels = {
    "metrics": _("Metrics that belong together"),
    "severity": _("How bad a departure is"),
    "normal_readings": _("Readings to learn from, at least"),
    "window_s": _("Rolling mean over, in s"),
    "margin": _("Threshold, in widths of the normal"),
    "on_delay_s": _("Raised after, in s"),
    "off_delay_s": _("Over after, in s"),
    "hysteresis": _("Way back of the score"),
    "max_gap_s": _("Longest silence, in s"),
    "when": _("Only while"),
}

NOTICES: Labels = {
    NoticeKind.OPENED: _("New ticket"),
    NoticeKind.REPORTED: _("Somebody reported it again"),
    NoticeKind.RAISED: _("Became more urgent"),
    NoticeKind.ASSIGNED: _("Assigned"),
    NoticeKind.COMMENTED: _("New message"),
    NoticeKind.VISIT: _("Visit planned or changed"),
    NoticeKind.SOLVED: _("Reported as solved"),
    NoticeKind.CLOSED: _("Closed"),
    NoticeKind.REOPENED: _("Reopened"),
    NoticeKind.CANCELLED: _("Cancelled"),
    NoticeKind.OFFER_TO_CHECK: _("Offer to check"),
    NoticeKind.OFFER_SENT: _("New offer"),
    NoticeKind.OFFER_CHANGED: _("Offer changed"),
    NoticeKind.OFFER_ACCEPTED: _("Offer accepted"),
    NoticeKind.OFFER_DECLINED: _("Offer declined"),
    NoticeKind.OFFER_WITHDRAWN: _("Offer withdrawn"),
    NoticeKind.ORDER_CONFIRMED: _("Order confirmed"),
    NoticeKind.ORDER_DONE: _("Order done"),
    NoticeKind.ORDER_CANCELLED: _("Order cancelled"),
}
NOTICE_ICONS: Mapping[str, str] = {
    NoticeKind.OPENED: "flag",
    NoticeKind.REPORTED: "person",
    NoticeKind.RAISED: "trend-up",
    NoticeKind.ASSIGNED: "person",
    NoticeKind.COMMENTED: "message",
    NoticeKind.VISIT: "calendar",
    NoticeKind.SOLVED: "check",
    NoticeKind.CLOSED: "check-circle",
    NoticeKind.REOPENED: "reset",
    NoticeKind.CANCELLED: "cross",
    NoticeKind.OFFER_TO_CHECK: "offers",
    NoticeKind.OFFER_SENT: "offers",
    NoticeKind.OFFER_CHANGED: "edit",
    NoticeKind.OFFER_ACCEPTED: "check-circle",
    NoticeKind.OFFER_DECLINED: "thumb-down",
    NoticeKind.OFFER_WITHDRAWN: "reset",
    NoticeKind.ORDER_CONFIRMED: "check",
    NoticeKind.ORDER_DONE: "check-circle",
    NoticeKind.ORDER_CANCELLED: "cross",
}

FAULTS: Labels = {
    RejectionCode.BAD_TOPIC: _("Sent to an unknown topic"),
    RejectionCode.TOO_LARGE: _("Message too large"),
    RejectionCode.TOO_DEEP: _("Nested too deeply"),
    RejectionCode.MALFORMED_JSON: _("Not readable as JSON"),
    RejectionCode.NOT_AN_OBJECT: _("Not the form we expect"),
    RejectionCode.MISSING_VALUES: _("Without values"),
    RejectionCode.TOO_MANY_VALUES: _("Too many values at once"),
    RejectionCode.BAD_NAME: _("Name of a value cannot be used"),
    RejectionCode.BAD_TIMESTAMP: _("Time cannot be read"),
    RejectionCode.BAD_SEQUENCE: _("Sequence number cannot be read"),
    RejectionCode.VALUE_NOT_A_NUMBER: _("A value is no number"),
    RejectionCode.VALUE_NOT_FINITE: _("A value is not finite"),
    RejectionCode.FURTHER_FAULTS: _("Further faults"),
    RejectionCode.UNKNOWN_DEVICE: _("Unknown device"),
    RejectionCode.NOT_ASSIGNED: _("Device belongs to no machine"),
    RejectionCode.UNKNOWN_METRIC: _("Unknown value"),
    RejectionCode.UNMAPPABLE_UNIT: _("Unit does not fit"),
    RejectionCode.OUT_OF_RANGE: _("Outside the plausible range"),
    RejectionCode.TOO_OLD: _("Too old"),
    RejectionCode.IN_FUTURE: _("Lies in the future"),
    RejectionCode.UNEXPECTED: _("Could not be handled"),
}
FAULT_REMEDIES: Labels = {
    RejectionCode.UNKNOWN_DEVICE: _("Enter the machine with this device key, then try again."),
    RejectionCode.NOT_ASSIGNED: _("Name this device at its machine, then try again."),
    RejectionCode.UNKNOWN_METRIC: _(
        "Map the signal to a metric of the equipment model, then try again."
    ),
    RejectionCode.UNMAPPABLE_UNIT: _("Correct the unit of the signal, then try again."),
    RejectionCode.OUT_OF_RANGE: _(
        "Check the sensor. If the value is real, widen the metric's range and try again."
    ),
    RejectionCode.TOO_OLD: _("Check the device's clock. Old history can be imported instead."),
    RejectionCode.IN_FUTURE: _("Set the device's clock."),
    RejectionCode.UNEXPECTED: _("Try again. If it stays, the fault is ours: pass the payload on."),
}
DEFAULT_REMEDY = _("The device's software sends something else than agreed. Pass the payload on.")
