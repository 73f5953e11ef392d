"""The page of one machine, put together from what devices, telemetry and services know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from devices.access import Act, Readable, list_readable, periods_of
from devices.assets import Asset, get_asset
from devices.equipment_models import EquipmentModel
from devices.fleet import AssetFacts, get_asset_facts
from foundation.clock import from_ms
from foundation.units import symbol
from services.tickets.by_asset import list_tickets_of_alarms
from services.tickets.queries import (
    EVERY_STATE,
    TicketFilter,
    TicketRow,
    find_open_on_asset,
    list_history,
)
from telemetry.alarms.queries import AlarmRow, list_alarms, list_open_alarms
from telemetry.charts import group_metrics
from telemetry.health import Health, get_health
from telemetry.latest import LatestReading
from telemetry.learning import Learning, find_learning
from web import words
from web.filters import zone
from web.pages.parts import Action
from web.request_scope import may, now
from web.runtime import WebRuntime
from web.wording.machines import state_sentence
from web.wording.translate import gettext as _

SHOWN = 10
CHARTS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's newest value, with its own time; None where nothing was heard of it."""

    label: str
    value: float | None
    unit: str
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class MachinePage:
    """Everything the page shows."""

    facts: AssetFacts
    model: EquipmentModel
    metrics: Mapping[str, str]
    health: Health
    sentence: str
    ticket: TicketRow | None
    alarms: Sequence[AlarmRow]
    alarm_tickets: Mapping[int, int]
    tickets: Sequence[TicketRow]
    learning: Learning | None
    values: Sequence[Value]
    # Whether its owner lets the reader see any readings.
    is_shared: bool
    charted: Sequence[str] | None
    actions: Sequence[Action]
    more: Sequence[Action]


def context_of(asset: Asset) -> words.Context:
    """How reasons about a machine are told: with its metrics' names, in its site's time."""
    labels = {metric.name: metric.label for metric in asset.equipment_model.metrics}
    return words.Context(labels, zone(asset.site.time_zone))


def load_machine_page(
    session: Session, runtime: WebRuntime, asset_id: int, *, is_everything_charted: bool
) -> MachinePage:
    """The page of a machine.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    asset = get_asset(session, asset_id)
    context, facts = context_of(asset), get_asset_facts(session, asset_id)
    readable = list_readable(session, asset_id)
    ticket = find_open_on_asset(session, asset_id)
    has_ticket = ticket is not None
    health = get_health(session, runtime.latest, asset, now=now(), has_open_ticket=has_ticket)
    open_alarms = list_open_alarms(session, asset_id)
    alarms = list_alarms(session, asset_id).rows[:SHOWN]
    history = list_history(session, TicketFilter(EVERY_STATE, asset_id=asset_id), limit=SHOWN)
    return MachinePage(
        facts=facts,
        model=asset.equipment_model,
        metrics=context.metrics,
        health=health,
        sentence=state_sentence(health, facts, ticket, open_alarms, context),
        ticket=ticket,
        alarms=alarms,
        alarm_tickets=list_tickets_of_alarms(session, [each.id for each in alarms]),
        tickets=history.rows,
        learning=find_learning(session, runtime.store, asset),
        values=_list_values(asset.equipment_model, runtime.latest.find(asset_id), readable),
        is_shared=readable is None or bool(readable),
        charted=None if is_everything_charted else choose_charted(asset.equipment_model),
        actions=_list_actions(asset_id, ticket),
        more=_list_more(asset_id, facts.serial),
    )


def choose_charted(model: EquipmentModel) -> list[str] | None:
    """The metrics to draw first: those with limits, then as defined; None when all find room."""
    groups = group_metrics(model.metrics)
    if len(groups) <= CHARTS_SHOWN:
        return None
    limited = {limit.metric for limit in model.limits}
    first = sorted(groups, key=lambda group: not any(m.name in limited for m in group.metrics))
    return [metric.name for group in first[:CHARTS_SHOWN] for metric in group.metrics]


def _list_values(
    model: EquipmentModel, latest: LatestReading | None, readable: list[Readable] | None
) -> list[Value]:
    known = latest.values if latest is not None else {}
    found = {
        name: (value, at_ms)
        for name, (value, at_ms) in known.items()
        if readable is None or _is_readable(readable, name, at_ms)
    }
    pairs = ((metric, found.get(metric.name, (None, None))) for metric in model.metrics)
    return [Value(m.label, value, symbol(m.unit), at_ms) for m, (value, at_ms) in pairs]


def _is_readable(readable: list[Readable], metric: str, at_ms: int) -> bool:
    at = from_ms(at_ms)
    return any(at in each for each in periods_of(readable, metric))


def _list_actions(asset_id: int, ticket: TicketRow | None) -> list[Action]:
    actions = []
    if ticket is not None:
        url = url_for("tickets.show", ticket_id=ticket.id)
        actions.append(Action(_("Open the ticket"), url, icon="ticket", primary=True))
    if may(Act.REPORT_PROBLEM):
        send = url_for("reports.send", asset_id=asset_id)
        is_first = ticket is None
        actions.append(Action(_("Report a problem"), action=send, icon="flag", primary=is_first))
    return actions


def _list_more(asset_id: int, serial: str) -> list[Action]:
    more = []
    if may(Act.REPORT_PROBLEM):
        url = url_for("reports.show", asset_id=asset_id)
        more.append(Action(_("Report with words"), url, icon="message"))
    if may(Act.CLAIM_DEVICES):
        url = url_for("claims.show", serial=serial)
        more.append(Action(_("Connect a device"), url, icon="devices"))
    if may(Act.ADMINISTER_ASSETS):
        url = url_for("administration.edit_machine", asset_id=asset_id)
        more.append(Action(_("Edit the machine"), url, icon="edit", key="e"))
    if may(Act.ADMINISTER_DEVICES):
        url = url_for("devices.index", asset=asset_id)
        more.append(Action(_("Its devices"), url, icon="devices"))
    if may(Act.TRANSFER_ASSETS):
        url = url_for("transfers.show", asset_id=asset_id)
        more.append(Action(_("Hand it over"), url, icon="organisations"))
    return more
