"""All simulated people of a network, their diary, and the telephone between them."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from simulators.ledger import Ledger
from simulators.people.cast import (
    CUSTOMER,
    MANAGER,
    MANUFACTURER,
    TECHNICIAN,
    Cast,
    Profile,
    Trouble,
)
from simulators.people.customer import Customer
from simulators.people.dispatcher import Dispatcher
from simulators.people.maker import Maker
from simulators.people.person import Chore, Diary, Errand, Person
from simulators.people.technician import Technician
from simulators.people.truth import Truth

_Kind = TypeVar("_Kind", bound=Person)


class Town:
    """Plays a cast against the portal at `url`; one errand after the other.

    What people remember is on the pages: a town made anew in the middle of a story goes on.
    """

    def __init__(self, url: str, cast: Cast, ledger: Ledger, seed: int) -> None:
        self.diary = Diary()
        self.truth = Truth(ledger)
        self.troubles: list[Trouble] = []
        self._rests_from: dict[tuple[str, Chore], datetime] = {}
        self._machines = {each.serial: each for each in cast.machines}
        self._people = [
            made for each in cast.people if (made := self._make(each, url, seed)) is not None
        ]

    def _make(self, profile: Profile, url: str, seed: int) -> Person | None:
        if profile.role == MANAGER:
            return Dispatcher(profile, url, seed, self)
        if profile.role == TECHNICIAN:
            return Technician(profile, url, seed, self)
        if profile.role == MANUFACTURER:
            return Maker(profile, url, seed, self)
        if profile.role == CUSTOMER:
            own = [
                each for each in self._machines.values() if each.customer == profile.organisation
            ]
            return Customer(profile, url, seed, self, own)
        return None

    def let_rest(self, organisation: str, chore: Chore, since: datetime) -> None:
        """From then on its people leave that chore; what there is to do waits for others."""
        self._rests_from[organisation, chore] = since

    @property
    def requests(self) -> int:
        """How often they asked the portal for something."""
        return sum(each.visitor.requests for each in self._people)

    def begin(self, now: datetime) -> None:
        """Everybody makes their first plans."""
        for each in self._people:
            each.begin(now)

    def run_until(self, until: datetime, set_clock: Callable[[datetime], datetime]) -> None:
        """Does all that is due by then; `set_clock` is told when and says what a clock shows."""
        while (errand := self.diary.take(until)) is not None:
            if not self._is_left(errand):
                errand.who.attempt(errand.act, set_clock(errand.due))

    def _is_left(self, errand: Errand) -> bool:
        rests_from = self._rests_from.get((errand.who.profile.organisation, errand.chore))
        return rests_from is not None and errand.due >= rests_from

    def close(self) -> None:
        for each in self._people:
            each.visitor.close()

    def find_device(self, serial: str) -> str | None:
        found = self._machines.get(serial)
        return None if found is None else found.device

    def call_customer(self, serial: str, ticket_id: int, now: datetime) -> None:
        for each in self._of_machine(serial, Customer):
            each.hear(serial, ticket_id, now)

    def call_dealer(self, serial: str, ticket_id: int, now: datetime) -> None:
        for each in self._of_machine(serial, Dispatcher)[:1]:
            each.answer(ticket_id, now)

    def call_about_offer(self, serial: str, offer_id: int, now: datetime) -> None:
        for each in self._of_machine(serial, Customer)[:1]:
            each.offers.hear(offer_id, now)

    def hand_over(self, organisation: str, name: str, ticket_id: int, now: datetime) -> None:
        for each in self._people:
            is_meant = (each.profile.organisation, each.profile.name) == (organisation, name)
            if is_meant and isinstance(each, Technician):
                each.take(ticket_id, now)

    def _of_machine(self, serial: str, kind: type[_Kind]) -> list[_Kind]:
        """The people of that kind who have to do with a machine."""
        machine = self._machines.get(serial)
        if machine is None:
            return []
        parties = (machine.customer, machine.dealer)
        return [
            each
            for each in self._people
            if isinstance(each, kind) and each.profile.organisation in parties
        ]
