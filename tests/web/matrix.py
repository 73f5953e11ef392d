"""The reviewed table of who may ask for which route, as rows with addresses to try."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tests.network import Network

_PLACE = re.compile(r"<[^>]+>")
TABLE = Path(__file__).with_name("access_matrix.toml")
# A number that nothing has.
NOBODY = 9_000_000
ROLES = ("maker", "manager", "technician", "customer")
# People of the same roles who have no part in the network's own machine.
STRANGERS = {
    "rival": "maker",
    "other_manager": "manager",
    "other_technician": "technician",
    "other_customer": "customer",
}


@dataclass(frozen=True)
class Row:
    """One route; `foreign` is what strangers of an allowed role get, where it is not 404.

    `otherwise` is what single ones of those who may get, where it is not `answer`.
    """

    path: str
    method: str
    who: tuple[str, ...]
    answer: int
    refused: int = 403
    query: str = ""
    form: dict[str, str] = field(default_factory=dict)
    foreign: int | None = None
    otherwise: dict[str, int] = field(default_factory=dict)

    @property
    def names_a_thing(self) -> bool:
        is_file = "<path:file>" in self.path
        return ("<" in self.path and not is_file) or "{" in self.query

    def expected(self, person: str) -> int:
        """The status that this person should get."""
        role = STRANGERS.get(person, person)
        if role not in self.who:
            return self._refused(role)
        if person in STRANGERS and (self.names_a_thing or self.foreign):
            return self.foreign or 404
        return self.otherwise.get(role, self.answer)

    def _refused(self, role: str) -> int:
        if role != "anonymous" or self.refused == 401:
            return self.refused
        return 302 if self.method == "GET" else 401

    def address(self, things: dict[str, object]) -> str:
        path = _PLACE.sub(
            lambda place: str(things[place[0].strip("<>").split(":")[-1]]), self.path
        )
        query = self.query.format(asset=things["asset_id"])
        return f"{path}?{query}" if query else path


def read_rows() -> list[Row]:
    """The rows, what only reads before what changes."""
    tables = tomllib.loads(TABLE.read_text())["route"]
    rows = [_row(table) for table in tables]
    return sorted(rows, key=lambda row: row.method != "GET")


def _row(table: dict[str, object]) -> Row:
    given = dict(table)
    who = tuple(str(given.pop("who")).split())
    answer = given.pop("answer", 200 if table["method"] == "GET" else 303)
    return Row(who=who, answer=answer, **given)


def things_of(network: Network, file: str, view_id: int = NOBODY) -> dict[str, object]:
    """The network's own things, by their place in an address."""
    return {
        "asset_id": network.asset,
        "device_id": 1,
        "ticket_id": 1,
        "site_id": 1,
        "message_id": 1,
        "view_id": view_id,
        "offer_id": 1,
        "order_id": 1,
        "rule_id": 1,
        "person_id": network.people["technician"],
        "login_id": 9_000_000,  # nobody's session
        "invitation_id": 9_000_000,
        "passkey_id": 9_000_000,
        "token_id": 9_000_000,
        "grant_id": 1,
        "key": "pump",
        "file": file,
    }
