"""The fleet on a map: one place a site with the states of its machines, for script and table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from devices.fleet_index import SitePlace, list_places
from telemetry.health import MachineState
from web.pages.fleet import Fleet
from web.pages.fleet_view import FleetView
from web.request_scope import get_session
from web.wording import labels

# The table behind the map; further sites are found by the filters.
ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class MapSite:
    """A site with how many of its machines are in which state, worst first."""

    place: SitePlace
    counts: dict[MachineState, int]
    url: str

    @property
    def worst(self) -> MachineState:
        return next(iter(self.counts))

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class FleetMap:
    """The sites that can be drawn, worst first, and those of which nobody said where they are."""

    sites: Sequence[MapSite]
    unplaced: Sequence[MapSite]

    @property
    def rows(self) -> Sequence[MapSite]:
        """As many as the table shows."""
        return [*self.sites, *self.unplaced][:ROWS_SHOWN]

    @property
    def total(self) -> int:
        return len(self.sites) + len(self.unplaced)


def load_map(fleet: Fleet, view: FleetView) -> FleetMap:
    """The sites of the machines that the view leaves."""
    counted: dict[int, Counter[MachineState]] = {}
    for each in fleet.in_state(view.state):
        counted.setdefault(each.site_id, Counter())[fleet.states[each.id]] += 1
    places = list_places(get_session())
    sites = [_site(places[key], count, view) for key, count in counted.items() if key in places]
    sites.sort(key=_order)
    placed = [each for each in sites if each.place.latitude is not None]
    return FleetMap(placed, [each for each in sites if each.place.latitude is None])


def _site(place: SitePlace, count: Counter[MachineState], view: FleetView) -> MapSite:
    ordered = {state: count[state] for state in MachineState if count[state]}
    query = view.narrowed(site_id=place.id).query()
    return MapSite(place, ordered, url_for("machines.index", **query))  # type: ignore[arg-type]  # parts of an address are text


def _order(site: MapSite) -> tuple[int, str, int]:
    return list(MachineState).index(site.worst), site.place.name.casefold(), site.place.id


def as_json(found: FleetMap, view: FleetView) -> dict[str, object]:
    """What frontend/src/map asks for: states in words and the sites, short names for many rows."""
    return {
        "list": url_for("machines.index", **view.query()),  # type: ignore[arg-type]  # parts of an address are text
        "states": [
            {"key": state, "sign": labels.CHIPS[state], "label": str(labels.MACHINE_STATES[state])}
            for state in MachineState
        ],
        "sites": [
            {
                "at": [each.place.longitude, each.place.latitude],
                "name": each.place.name,
                "customer": each.place.customer,
                "url": each.url,
                "counts": [each.counts.get(state, 0) for state in MachineState],
            }
            for each in found.sites
        ],
    }
