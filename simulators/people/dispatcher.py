"""Dispatchers, the managers of a dealer: read new tickets, hand them out, answer, check offers."""

from datetime import datetime
from functools import partial

from simulators.browser import Page
from simulators.people.cast import Profile
from simulators.people.offers import OfferDesk
from simulators.people.person import MOST_IDLE, Person, Surroundings
from simulators.people.visits import choose_begin, fill_in

_LOOKS_EVERY_H = (1.5, 3.0)
_CANCELS = 0.5
# The others are planned by whoever goes there; hours of those in which visits begin.
_PLANS = 0.8
_COMES_WITHIN_H = (0.5, 7.0)


class Dispatcher(Person):
    """Looks round every other hour; reads only what changed since."""

    def __init__(self, profile: Profile, url: str, seed: int, around: Surroundings) -> None:
        super().__init__(profile, url, seed, around)
        self._cursor = ""
        self._known: set[int] = set()
        self._offers = OfferDesk(self)

    def begin(self, now: datetime) -> None:
        self.plan(self.hours.next_open(now), self._look)

    def _look(self, now: datetime) -> None:
        self._plan_next_look(now)
        told = self.visitor.ask(f"/live/poll?since={self._cursor}")
        self._cursor = told["cursor"]
        events = told["events"]
        if any(each["event"] == "stale" for each in events):
            tickets = self._list("/tickets", "ticket", now)
            offers = self._list("/offers", "offer", now)
        else:
            tickets, offers = _list_ids(events, "ticket"), _list_ids(events, "offer")
        for offer_id in offers:
            self._offers.hear(offer_id, now)
        for ticket_id in tickets:
            if ticket_id not in self._known:
                self._known.add(ticket_id)
                hours = self.habits.takes(0.2, 3.0, "reads", ticket_id)
                self.plan_work(now, hours, partial(self._assign, ticket_id))

    def _plan_next_look(self, now: datetime) -> None:
        # Who leaves the page open over night stays signed in.
        hours = self.habits.takes(*_LOOKS_EVERY_H, "look", now)
        self.plan(min(self.hours.add(now, hours), now + MOST_IDLE), self._look)

    def _list(self, path: str, kind: str, now: datetime) -> list[int]:
        """All that waits on a list, page by page."""
        found: list[int] = []
        address: str | None = path
        while address is not None:
            page = self.read(address, now)
            found += [number for number, _ in page.list_live(kind)]
            address = page.next_page
        return found

    def _remind(self, page: Page, ticket_id: int, now: datetime) -> None:
        """A ticket that was begun before: whoever has it goes on with it."""
        form = page.find_form(f"/tickets/{ticket_id}/assign")
        if form is None:
            return
        name = form.choices["person"].get(form.fields.get("person", ""), "")
        self.around.hand_over(self.profile.organisation, name, ticket_id, now)

    def _assign(self, ticket_id: int, now: datetime) -> None:
        page = self.read(f"/tickets/{ticket_id}", now)
        if page.get_mark("ticket-head", "state") != "new":
            self._remind(page, ticket_id, now)
        elif self._is_mistake(page, ticket_id, now):
            self._cancel(page, ticket_id)
        else:
            self._hand_out(page, ticket_id, now)

    def _hand_out(self, page: Page, ticket_id: int, now: datetime) -> None:
        address = f"/tickets/{ticket_id}/assign"
        form = page.find_form(address)
        people = {name: number for number, name in form.choices["person"].items()} if form else {}
        name = self._choose(list(people), ticket_id)
        self.press(page, address, person=people.get(name, ""))
        if self.habits.happens(_PLANS, "plans", ticket_id):
            self._plan_visit(ticket_id, now)
        self.around.hand_over(self.profile.organisation, name, ticket_id, now)
        if self.habits.happens(self.habits.talkativeness, "announces", ticket_id):
            self.write(page, ticket_id, f"{name} takes care of it and will call before.")

    def _plan_visit(self, ticket_id: int, now: datetime) -> None:
        """Agrees with the customer when somebody comes."""
        page = self.read(f"/tickets/{ticket_id}", now)
        address = f"/tickets/{ticket_id}/visit"
        if page.find_form(address) is not None:
            hours = self.habits.takes(*_COMES_WITHIN_H, "visit", ticket_id)
            begins = choose_begin(self.profile.time_zone, now, hours)
            self.press(page, address, **fill_in(page, begins))

    def _choose(self, names: list[str], ticket_id: int) -> str:
        """A technician by name; never nobody, and oneself only when there is no other."""
        others = [each for each in names if each not in ("Nobody", self.profile.name)]
        return others[int(self.habits.draw("whom", ticket_id) * len(others))] if others else ""

    def _is_mistake(self, page: Page, ticket_id: int, now: datetime) -> bool:
        """Whether a call to whoever reported shows that nothing is wrong."""
        if page.find_form(f"/tickets/{ticket_id}/move", move="cancel") is None:
            return False
        device = self.around.find_device(page.get_mark("ticket-head", "serial"))
        is_well = device is None or not self.around.truth.find_faults(device, now, at_least=0.1)
        return is_well and self.habits.happens(_CANCELS, "cancels", ticket_id)

    def _cancel(self, page: Page, ticket_id: int) -> None:
        note = "Called; it runs as it should, the noise came from next door."
        self.press(page, f"/tickets/{ticket_id}/move", move="cancel", note=note)

    def answer(self, ticket_id: int, now: datetime) -> None:
        """A customer asked something: they write back."""

        def act(at: datetime) -> None:
            page = self.read(f"/tickets/{ticket_id}", at)
            self.write(page, ticket_id, "It is planned; our technician calls before.")

        self.plan_work(now, self.habits.takes(0.3, 4.0, "answers", ticket_id), act)

    def write(self, page: Page, ticket_id: int, text: str) -> None:
        """A message for all parties."""
        address = f"/tickets/{ticket_id}/messages"
        if page.find_form(address) is not None:
            self.press(page, address, text=text, audience="everyone")


def _list_ids(events: list[dict[str, str]], kind: str) -> list[int]:
    """The things of a kind that changed, each once."""
    return list(dict.fromkeys(int(each["id"]) for each in events if each.get("kind") == kind))
