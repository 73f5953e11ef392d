"""The one sentence at the head of each home page: what must I do now?

Each sentence is whole; only the most pressing one is said.
"""

from collections.abc import Mapping

from services.tickets.queries import Attention
from telemetry.health import MachineState
from web.wording.translate import gettext as _
from web.wording.translate import ngettext


def dealer_sentence(attention: Attention) -> str:
    """For a service manager."""
    if attention.unanswered_late:
        return ngettext(
            "%(num)s ticket has waited too long for a first answer. Accept it or assign it.",
            "%(num)s tickets have waited too long for a first answer. Accept or assign them.",
            attention.unanswered_late,
        )
    if attention.overdue:
        return ngettext(
            "%(num)s ticket is past its due time.",
            "%(num)s tickets are past their due time.",
            attention.overdue,
        )
    if attention.unassigned:
        return ngettext(
            "%(num)s ticket has nobody yet. Assign it.",
            "%(num)s tickets have nobody yet. Assign them.",
            attention.unassigned,
        )
    if attention.open:
        return ngettext(
            "%(num)s ticket is open, in hands and in time.",
            "%(num)s tickets are open, all in hands and in time.",
            attention.open,
        )
    return _("Nothing waits for you. No ticket is open.")


def technician_sentence(mine: int, free: int) -> str:
    """For a technician."""
    if mine:
        return ngettext("You have %(num)s ticket today.", "You have %(num)s tickets today.", mine)
    if free:
        return ngettext(
            "You have no ticket. %(num)s waits for somebody to take it.",
            "You have no ticket. %(num)s wait for somebody to take them.",
            free,
        )
    return _("Nothing to do right now. No ticket is open.")


def customer_sentence(
    counted: Mapping[MachineState, int], requests: int, *, solved: int = 0
) -> str:
    """For an end customer; `solved` of the open requests wait for their look."""
    total = sum(counted.values())
    if counted[MachineState.CRITICAL]:
        return ngettext(
            "%(num)s of your machines is in a critical condition.",
            "%(num)s of your machines are in a critical condition.",
            counted[MachineState.CRITICAL],
        )
    if solved:
        return ngettext(
            "%(num)s request is reported as solved. Look whether it is, and reopen it if not.",
            "%(num)s requests are reported as solved. Look whether they are; reopen what is not.",
            solved,
        )
    if requests:
        return ngettext(
            "Your dealer is working on %(num)s request.",
            "Your dealer is working on %(num)s requests.",
            requests,
        )
    if counted[MachineState.NO_DATA]:
        return ngettext(
            "%(num)s of your machines sends no readings.",
            "%(num)s of your machines send no readings.",
            counted[MachineState.NO_DATA],
        )
    if not total:
        return _("No machine of yours is registered yet. Your dealer can enter it.")
    return ngettext(
        "Your machine is well. You need to do nothing.",
        "All %(num)s machines are well. You need to do nothing.",
        total,
    )


def fleet_sentence(counted: Mapping[MachineState, int]) -> str:
    """For a manufacturer."""
    total = sum(counted.values())
    if not total:
        return _("No machine is registered yet. Enter the first one or import a list.")
    if counted[MachineState.CRITICAL]:
        return ngettext(
            "%(num)s machine is in a critical condition.",
            "%(num)s machines are in a critical condition.",
            counted[MachineState.CRITICAL],
        )
    if counted[MachineState.NEEDS_SERVICE]:
        return ngettext(
            "%(num)s machine needs service.",
            "%(num)s machines need service.",
            counted[MachineState.NEEDS_SERVICE],
        )
    if counted[MachineState.NO_DATA]:
        return ngettext(
            "%(num)s machine sends no readings.",
            "%(num)s machines send no readings.",
            counted[MachineState.NO_DATA],
        )
    return ngettext(
        "The one machine in the field is well or only to be watched.",
        "All %(num)s machines in the field are well or only to be watched.",
        total,
    )
