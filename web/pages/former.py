"""The page of a machine that the reader had before, as it was in that time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from devices.assets import get_asset
from devices.former import FormerMachine, get_former_machine
from foundation.intervals import Interval
from services.tickets.former import FormerTicket, list_former_tickets
from telemetry.alarms.queries import AlarmRow, list_alarms
from web.pages.machine import context_of

SHOWN = 50


@dataclass(frozen=True, slots=True)
class FormerPage:
    """Everything the page shows."""

    machine: FormerMachine
    metrics: Mapping[str, str]
    model_key: str
    time_zone: str
    alarms: Sequence[AlarmRow]
    tickets: Sequence[FormerTicket]


def load_former(session: Session, asset_id: int) -> FormerPage:
    """The page; `session` looks back.

    Raises:
        NotFound: when the machine was never the reader's, or still is.
    """
    machine, asset = get_former_machine(session, asset_id), get_asset(session, asset_id)
    alarms = list_alarms(session, asset_id).rows[:SHOWN]
    return FormerPage(
        machine=machine,
        metrics=context_of(asset).metrics,
        model_key=asset.equipment_model.key,
        time_zone="UTC",
        alarms=[_as_it_was(each, machine.periods) for each in alarms],
        tickets=list_former_tickets(session, asset_id, machine.periods),
    )


def _as_it_was(alarm: AlarmRow, periods: Sequence[Interval]) -> AlarmRow:
    """The alarm without what became of it later."""
    cleared, closed = _within(alarm.cleared_at, periods), _within(alarm.closed_at, periods)
    return replace(alarm, cleared_at=cleared, closed_at=closed, is_active=cleared is None)


def _within(instant: datetime | None, periods: Sequence[Interval]) -> datetime | None:
    return instant if instant is not None and any(instant in each for each in periods) else None
