"""The state of the fleet list as its address holds it: filters, order, and back into an address.

What cannot be read in an address is left out, as if it were not there: old links go on working.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from devices.fleet_index import MAX_SEARCH, Box, FleetFilter
from telemetry.health import MachineState

DEFAULT_SORT = "name"
EVERYTHING = FleetFilter()
SORTS = ("name", "state", "ticket", "heard")
_KEY = re.compile(r"[a-z0-9_]{1,63}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_WHOLE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class FleetView:
    """Which machines of the fleet are listed, and in which order."""

    chosen: FleetFilter = EVERYTHING
    state: MachineState | None = None
    sort: str = DEFAULT_SORT
    is_reversed: bool = False

    @property
    def order(self) -> str:
        """The order as the address writes it: from the end with a minus."""
        return f"-{self.sort}" if self.is_reversed else self.sort

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return self.state is not None or self.chosen != EVERYTHING

    def query(self) -> dict[str, str]:
        """The parts of the address that say so; what is usual is left out."""
        chosen = self.chosen
        parts = {
            "q": chosen.search,
            "state": self.state,
            "model": chosen.model,
            "customer": chosen.customer_id,
            "dealer": chosen.dealer_id,
            "site": chosen.site_id,
            "country": chosen.country,
            "box": _write_box(chosen.box),
            "sort": None if self.order == DEFAULT_SORT else self.order,
        }
        return {name: str(value) for name, value in parts.items() if value}

    def narrowed(self, **changed: Any) -> "FleetView":
        """The view with another filter."""
        return replace(self, chosen=replace(self.chosen, **changed))

    def in_state(self, state: MachineState | None) -> "FleetView":
        return replace(self, state=state)

    def sorted_by(self, sort: str) -> "FleetView":
        """The view in that order; asked for again, in the opposite one."""
        is_again = sort == self.sort and not self.is_reversed
        return replace(self, sort=sort, is_reversed=is_again)


def read_view(args: Mapping[str, str]) -> FleetView:
    """The view that an address asks for."""
    order = args.get("sort", "")
    sort = order.removeprefix("-")
    is_known = sort in SORTS
    return FleetView(
        chosen=FleetFilter(
            search=args.get("q", "").strip()[:MAX_SEARCH],
            model=_read_text(args.get("model"), _KEY),
            customer_id=_read_id(args.get("customer")),
            dealer_id=_read_id(args.get("dealer")),
            site_id=_read_id(args.get("site")),
            country=_read_text(args.get("country"), _COUNTRY),
            box=_read_box(args.get("box", "")),
        ),
        state=_read_state(args.get("state", "")),
        sort=sort if is_known else DEFAULT_SORT,
        is_reversed=is_known and order.startswith("-"),
    )


def _read_state(text: str) -> MachineState | None:
    return MachineState(text) if text in list(MachineState) else None


def _read_text(text: str | None, form: re.Pattern[str]) -> str | None:
    return text if text is not None and form.fullmatch(text) else None


def _read_id(text: str | None) -> int | None:
    found = _read_text(text, _WHOLE)
    return int(found) or None if found is not None and found.isascii() else None


def _read_box(text: str) -> Box | None:
    parts = text.split(",")
    if len(parts) != 4:
        return None
    try:
        box = Box(*map(float, parts))
    except ValueError:
        return None
    return box if all(map(math.isfinite, box)) else None


def _write_box(box: Box | None) -> str | None:
    return None if box is None else ",".join(str(round(each, 5)) for each in box)
