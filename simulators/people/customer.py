"""Customers: report what they notice, ask and thank now and then, and answer offers."""

from datetime import datetime, timedelta
from functools import partial

from simulators.browser import Page
from simulators.people.cast import Place, Profile
from simulators.people.findings import describe_fault
from simulators.people.offers import OfferReader
from simulators.people.person import Person, Surroundings

_NOTICED_FROM = 0.6
_MISTAKEN = 0.002
_ASKS, _THANKS = 0.35, 0.5


class Customer(Person):
    """Walks past the machines once or twice a working day."""

    def __init__(
        self, profile: Profile, url: str, seed: int, around: Surroundings, machines: list[Place]
    ) -> None:
        super().__init__(profile, url, seed, around)
        self._machines = machines
        self._reported: dict[str, datetime] = {}
        self._addresses: dict[str, str] = {}
        self.offers = OfferReader(self)

    def begin(self, now: datetime) -> None:
        self.plan_work(now, self.habits.takes(0.0, 8.0, "walk"), self._walk)

    def _walk(self, now: datetime) -> None:
        self.plan_work(now, self.habits.takes(4.0, 9.0, "walk", now), self._walk)
        for machine in self._machines:
            words = self._notice(machine, now)
            if words and self._is_new(machine.device, now):
                self._reported[machine.device] = now
                hours = self.habits.takes(0.1, 6.0, "report", now)
                self.plan_work(now, hours, partial(self._report, machine, words))

    def _notice(self, machine: Place, now: datetime) -> str:
        found = self.around.truth.find_faults(machine.device, now, at_least=_NOTICED_FROM)
        told = [words for kind in found if (words := describe_fault(kind).noticed)]
        if told:
            return told[0]
        is_mistaken = self.habits.happens(_MISTAKEN, machine.device, now)
        return "It makes a noise that we do not know." if is_mistaken else ""

    def _is_new(self, device: str, now: datetime) -> bool:
        before = self._reported.get(device)
        return before is None or now - before > timedelta(days=5)

    def _report(self, machine: Place, words: str, now: datetime) -> None:
        """Reports it, unless somebody works on the machine already."""
        page = self.read(self._find_machine(machine.serial, now), now)
        if page.get_mark("machine-head", "ticket"):
            return
        address = f"{page.address}/report"
        self.press(self.read(address, now), address, text=words)

    def _find_machine(self, serial: str, now: datetime) -> str:
        if serial not in self._addresses:
            page = self.read(f"/machines?q={serial}", now)
            found = [number for number, _ in page.list_live("asset")]
            self._addresses[serial] = f"/machines/{found[0]}" if found else "/machines"
        return self._addresses[serial]

    def hear(self, serial: str, ticket_id: int, now: datetime) -> None:
        """Somebody called about a ticket: perhaps they look at its page."""
        if self.habits.happens(self.habits.talkativeness, "looks", ticket_id, now):
            hours = self.habits.takes(0.2, 8.0, "looks", ticket_id, now)
            self.plan_work(now, hours, lambda at: self._look(serial, ticket_id, at))

    def _look(self, serial: str, ticket_id: int, now: datetime) -> None:
        page = self.read(f"/tickets/{ticket_id}", now)
        state = page.get_mark("ticket-head", "state")
        if state == "closed" and self.habits.happens(_THANKS, "thanks", ticket_id):
            self._write(page, ticket_id, "Thank you, it runs well again.")
        elif state in ("acknowledged", "waiting") and self.habits.happens(
            _ASKS, "asks", ticket_id
        ):
            self._write(page, ticket_id, "When will it be done? We need it on Monday.")
            self.around.call_dealer(serial, ticket_id, now)

    def _write(self, page: Page, ticket_id: int, text: str) -> None:
        address = f"/tickets/{ticket_id}/messages"
        if page.find_form(address) is not None:
            self.press(page, address, text=text)
