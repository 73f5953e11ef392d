"""What each role's home page shows beside its lists: figures with what they are out of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from devices.access import Act
from devices.fleet import AssetFacts, get_asset_facts
from services.offers.queries import OfferRow, list_offers
from services.offers.rules import AT_CUSTOMER, OfferState
from services.tickets.evidence import CauseHint
from services.tickets.patterns import TechnicianDay, list_technician_days
from services.tickets.queries import Attention, TicketRow, find_cause, list_visits
from services.tickets.stakes import Stakes
from telemetry.health import MachineState
from telemetry.quarantine import count_open
from web.pages.fleet import Fleet
from web.pages.parts import Figure
from web.request_scope import get_runtime, get_session, may, now
from web.wording import labels
from web.wording.stakes import money_text
from web.wording.translate import gettext as _
from web.wording.translate import ngettext


@dataclass(frozen=True, slots=True)
class NextVisit:
    """A technician's next ticket with what to know before leaving."""

    row: TicketRow
    facts: AssetFacts
    cause: CauseHint | None

    @property
    def map_url(self) -> str | None:
        """The place for a maps application; None where nobody said where it is."""
        if self.facts.latitude is None:
            return None
        return f"geo:{self.facts.latitude},{self.facts.longitude}"

    @property
    def call_url(self) -> str | None:
        """The telephone on site, for one tap."""
        number = self.facts.telephone
        return (
            None if number is None else "tel:" + "".join(c for c in number if c in "+0123456789")
        )


def load_next_visit(row: TicketRow) -> NextVisit:
    """What to know before leaving for a ticket."""
    session = get_session()
    return NextVisit(row, get_asset_facts(session, row.asset_id), find_cause(session, row.id))


@dataclass(frozen=True, slots=True)
class Day:
    """What a technician has in hand, and the visits that are planned, the next one first."""

    work: TechnicianDay
    visits: Sequence[TicketRow]


def load_days() -> list[Day]:
    """The technicians by their next visit; those without one follow, by what is due first."""
    session = get_session()
    planned = list_visits(session)
    days = [
        Day(work, [each for each in planned if each.assignee_id == work.person_id])
        for work in list_technician_days(session, at=now())
    ]
    order = {each.assignee_id: number for number, each in reversed(list(enumerate(planned)))}
    return sorted(days, key=lambda day: order.get(day.work.person_id, len(planned)))


def stakes_sentence(stakes: Stakes) -> str:
    """The sums that are at stake, each in its own currency, and of how many tickets."""
    if not stakes.known:
        return _("What is at stake is not known of any open ticket.")
    sums = ", ".join(money_text(each) for each in stakes.sums)
    told = ngettext(
        "At stake: %(sums)s on %(num)s open ticket.",
        "At stake: %(sums)s on %(num)s open tickets.",
        stakes.known,
        sums=sums,
    )
    if not stakes.unknown:
        return told
    unknown = ngettext(
        "Of %(num)s ticket it is not known.", "Of %(num)s tickets it is not known.", stakes.unknown
    )
    return f"{told} {unknown}"


def list_offers_to_check(limit: int) -> list[OfferRow]:
    """What waits for the dealer's check, most money first; nothing for who may not check."""
    if not may(Act.CHECK_OFFERS):
        return []
    found = list_offers(get_session(), (OfferState.PROPOSED,)).rows
    return sorted(found, key=lambda row: -(row.price.minor if row.price else 0))[:limit]


def list_offers_to_answer(limit: int) -> list[OfferRow]:
    """What a customer was offered and has not answered."""
    if not may(Act.ANSWER_OFFERS):
        return []
    return list(list_offers(get_session(), AT_CUSTOMER, limit=limit).rows)


def state_figures(counted: Mapping[MachineState, int]) -> list[Figure]:
    """How many machines are in each state."""
    total = sum(counted.values())
    return [
        Figure(
            name=str(labels.MACHINE_STATES[state]),
            value=str(count),
            note=_("of %(total)s machines", total=total),
            url=url_for("machines.index", state=state),
            icon=labels.MACHINE_MARKS[state][0],
            kind=labels.MACHINE_MARKS[state][1],
        )
        for state, count in counted.items()
    ]


def attention_figures(attention: Attention) -> list[Figure]:
    """What of the open tickets asks for something."""
    rows = (
        (_("No first answer in time"), attention.unanswered_late, "open"),
        (_("Past their due time"), attention.overdue, "open"),
        (_("Unassigned"), attention.unassigned, "unassigned"),
        (_("Mine"), attention.mine, "mine"),
        (_("All open"), attention.open, "open"),
    )
    return [
        Figure(
            name,
            str(count),
            note="" if count == attention.open else _("of %(total)s open", total=attention.open),
            url=url_for("tickets.index", view=view),
        )
        for name, count, view in rows
    ]


def quality_figures(fleet: Fleet) -> list[Figure]:
    """What keeps readings from being used."""
    total = _("of %(total)s machines", total=len(fleet.entries))
    silent = fleet.count()[MachineState.NO_DATA]
    wrong = get_runtime().latest.count_wrong_clocks(each.id for each in fleet.entries)
    return [
        Figure(
            _("Messages in quarantine"),
            str(count_open(get_session())),
            note=_("not understood, kept"),
            url=url_for("quarantine.index"),
        ),
        Figure(
            _("Silent machines"),
            str(silent),
            note=total,
            url=url_for("machines.index", state=MachineState.NO_DATA, sort="heard"),
        ),
        Figure(_("Clocks that are off"), str(wrong), note=total),
    ]
