"""What stands around the rows of the fleet list: chips, choices, columns, kept views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from devices.fleet import AssetRow, list_asset_rows, list_metric_labels
from devices.fleet_index import list_choices, name_filter
from foundation.identity.preferences import ViewRow, list_views
from foundation.paging import Page
from services.tickets.by_asset import OpenOnAsset, list_open_on
from telemetry.health import Health, MachineState, list_health
from web.pages.fleet import Fleet
from web.pages.fleet_view import SORTS, FleetView
from web.pages.parts import Chip
from web.request_scope import get_runtime, get_session, now
from web.wording import labels
from web.wording.translate import gettext as _
from web.wording.translate import name_country

VIEWS_PAGE = "machines"


@dataclass(frozen=True, slots=True)
class Choice:
    """A select of the filter: its name in the address, its label, options as (value, label)."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class FleetBar:
    """What narrows the fleet down, above the list and the map."""

    view: FleetView
    chips: Sequence[Chip]
    narrowed: Sequence[Chip]
    kept: Sequence[ViewRow]
    endpoint: str


@dataclass(frozen=True, slots=True)
class FleetRows:
    """The rows of one page, with what each of them needs."""

    rows: Sequence[AssetRow]
    health: Mapping[int, Health]
    tickets: Mapping[int, OpenOnAsset]
    metrics: Mapping[str, Mapping[str, str]]


def load_rows(ids: Sequence[int], fleet: Fleet) -> FleetRows:
    """These machines in full, in this order."""
    session = get_session()
    found = list_asset_rows(session, ids)
    health = list_health(
        session, get_runtime().latest, now=now(), with_ticket=fleet.urgency.keys(), ids=ids
    )
    return FleetRows(
        rows=[found[each] for each in ids if each in found],
        health=health,
        tickets=list_open_on(session, ids),
        metrics=list_metric_labels(session),
    )


def build_bar(fleet: Fleet, view: FleetView, endpoint: str = "machines.index") -> FleetBar:
    """The chips and choices of a view."""
    return FleetBar(
        view=view,
        chips=_state_chips(fleet, view, endpoint),
        narrowed=_narrowed_chips(view, endpoint),
        kept=list_views(get_session(), VIEWS_PAGE),
        endpoint=endpoint,
    )


def _address(view: FleetView, endpoint: str = "machines.index") -> str:
    return url_for(endpoint, **view.query())  # type: ignore[arg-type]  # parts of an address are text


def _state_chips(fleet: Fleet, view: FleetView, endpoint: str) -> list[Chip]:
    everything = Chip(
        _("All"),
        _address(view.in_state(None), endpoint),
        view.state is None,
        len(fleet.entries),
    )
    return [everything] + [
        Chip(
            label=str(labels.MACHINE_STATES[state]),
            url=_address(view.in_state(state), endpoint),
            active=state == view.state,
            count=count,
        )
        for state, count in fleet.count().items()
    ]


def _narrowed_chips(view: FleetView, endpoint: str) -> list[Chip]:
    """One chip for each filter that holds; its address is the view without it."""
    chosen = view.chosen
    names = name_filter(get_session(), chosen)
    unknown = _("unknown")
    named: tuple[tuple[str, Any, Any, str], ...] = (
        ("search", chosen.search, "", f"“{chosen.search}”"),
        ("model", chosen.model, None, names.model or unknown),
        ("customer_id", chosen.customer_id, None, names.customer or unknown),
        ("dealer_id", chosen.dealer_id, None, names.dealer or unknown),
        ("site_id", chosen.site_id, None, names.site or unknown),
        ("country", chosen.country, None, name_country(chosen.country or "")),
        ("box", chosen.box, None, _("Part of the map")),
    )
    return [
        Chip(label, _address(view.narrowed(**{field: nothing}), endpoint), active=True)
        for field, value, nothing, label in named
        if value
    ]


def list_filters(view: FleetView) -> list[Choice]:
    """What the fleet can be narrowed down to, and the order of the list."""
    chosen, choices = view.chosen, list_choices(get_session(), view.chosen)
    countries = sorted(((code, name_country(code)) for code in choices.countries), key=_by_label)
    states = [(state.value, str(labels.MACHINE_STATES[state])) for state in MachineState]
    built = [
        Choice("state", _("State"), states, view.state or ""),
        Choice("model", _("Model"), choices.models, chosen.model or ""),
        Choice("customer", _("Customer"), _texts(choices.customers), _text(chosen.customer_id)),
        Choice("dealer", _("Dealer"), _texts(choices.dealers), _text(chosen.dealer_id)),
        Choice("site", _("Site"), _texts(choices.sites), _text(chosen.site_id)),
        Choice("country", _("Country"), countries, chosen.country or ""),
    ]
    useful = [each for each in built if len(each.options) > 1 or each.chosen]
    return [*useful, _list_sorts(view)]


def _list_sorts(view: FleetView) -> Choice:
    names = (_("Name"), _("State, worst first"), _("Open ticket, most urgent first"))
    options = list(zip(SORTS, (*names, _("Last heard, longest ago first")), strict=True))
    return Choice("sort", _("Order"), options, view.sort)


def _by_label(option: tuple[str, str]) -> str:
    return option[1]


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _texts(options: Sequence[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(str(value), label) for value, label in options]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head; `order` is `ascending` or `descending` where the list is in its order."""

    label: str
    url: str = ""
    order: str = ""


def list_columns(view: FleetView, *, is_customer: bool) -> list[Column]:
    """The columns of the list, with the addresses of their orders."""
    where = _("Site") if is_customer else _("Site and customer")
    return [
        _column(view, _("Machine"), "name"),
        Column(where),
        _column(view, _("State"), "state"),
        _column(view, _("Last heard"), "heard"),
        _column(view, _("Open ticket"), "ticket"),
    ]


def _column(view: FleetView, label: str, sort: str) -> Column:
    order = "" if view.sort != sort else "descending" if view.is_reversed else "ascending"
    return Column(label, _address(view.sorted_by(sort)), order)


def page_addresses(view: FleetView, page: Page[int], cursor: str | None) -> dict[str, str]:
    """Where the list goes on, and back to its beginning."""
    query: dict[str, Any] = view.query()
    following = page.next_cursor
    return {
        "next_url": url_for("machines.index", cursor=following, **query) if following else "",
        "first_url": _address(view) if cursor else "",
    }
