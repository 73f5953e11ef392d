"""Technicians: go to machines, find out, wait for parts, mend, and close out with their view."""

from datetime import datetime, timedelta
from functools import partial

from simulators.browser import Form, Page
from simulators.faults import FaultKind
from simulators.people.cast import Profile
from simulators.people.findings import NOTHING, Finding, describe_fault
from simulators.people.person import MOST_IDLE, Chore, Person, Surroundings
from simulators.people.visits import choose_begin, fill_in, find_begin

_MENDED_WITHIN = timedelta(days=14)
_CARELESS = 0.06
_NEEDS_ORDER = 0.55
_LOOKS_AGAIN = 3
_RUNS_LATE = 0.08
_IS_THERE_WITHIN_H = 1.5
# By the ticket's state, in hours of those in which visits begin: a part takes its time.
_COMES_WITHIN_H = {"acknowledged": (0.5, 7.0), "waiting": (3.5, 17.0)}


class Technician(Person):
    """Works on the tickets that were handed to them."""

    def __init__(self, profile: Profile, url: str, seed: int, around: Surroundings) -> None:
        super().__init__(profile, url, seed, around)
        self._mine: set[int] = set()

    def take(self, ticket_id: int, now: datetime) -> None:
        """Somebody handed a ticket over: they go there when they have time."""
        if not self._mine:
            self.plan(now + MOST_IDLE, self._stay)
        self._mine.add(ticket_id)
        hours = self.habits.takes(0.1, 1.0, "reads", ticket_id)
        self.plan_work(now, hours, partial(self._prepare, ticket_id), Chore.VISITS)

    def _prepare(self, ticket_id: int, now: datetime) -> None:
        """Sees when they are expected; where nobody planned the visit they do so themselves."""
        page = self.read(f"/tickets/{ticket_id}", now)
        state, begins = page.get_mark("ticket-head", "state"), find_begin(page)
        if begins is None and state in _COMES_WITHIN_H:
            begins = self._plan_visit(page, ticket_id, now, state)
        self._travel(ticket_id, now, begins or now)

    def _plan_visit(self, page: Page, ticket_id: int, now: datetime, state: str) -> datetime:
        hours = self.habits.takes(*_COMES_WITHIN_H[state], "visit", ticket_id, now)
        begins = choose_begin(self.profile.time_zone, now, hours)
        self.press(page, f"/tickets/{ticket_id}/visit", **fill_in(page, begins))
        return begins

    def _travel(self, ticket_id: int, now: datetime, begins: datetime) -> None:
        """Is there within the time that was told, or as soon as they can."""
        within = timedelta(hours=_IS_THERE_WITHIN_H * self.habits.draw("arrives", ticket_id))
        due = self.hours.next_open(max(now, begins + within))
        self.plan(due, partial(self._go, ticket_id), Chore.VISITS)

    def _stay(self, now: datetime) -> None:
        """Who has work to do leaves the page open, and so stays signed in."""
        if self._mine:
            if self.visitor.is_signed_in:
                self.visitor.ask("/live/poll")
            self.plan(now + MOST_IDLE, self._stay)

    def _go(self, ticket_id: int, now: datetime) -> None:
        page = self.read(f"/tickets/{ticket_id}", now)
        state = page.get_mark("ticket-head", "state")
        begins = find_begin(page)
        if begins is not None and begins > now:
            self._travel(ticket_id, now, begins)
        elif state == "acknowledged" and self._runs_late(ticket_id, begins):
            self._travel(ticket_id, now, self._plan_visit(page, ticket_id, now, state))
        elif state in ("acknowledged", "waiting"):
            has_parts = state == "waiting"
            self._move(page, ticket_id, "start")
            hours = self.habits.takes(0.5, 2.5, "works", ticket_id)
            work = partial(self._work, ticket_id, has_parts=has_parts)
            self.plan_work(now, hours, work, Chore.VISITS)
        elif state == "in_progress":
            self._work(ticket_id, now, has_parts=True)
        elif state == "solved":
            self._finish(ticket_id, now)

    def _runs_late(self, ticket_id: int, begins: datetime | None) -> bool:
        """Whether another machine keeps them, so that they move this visit."""
        return begins is not None and self.habits.happens(_RUNS_LATE, "late", ticket_id, begins)

    def _work(self, ticket_id: int, now: datetime, *, has_parts: bool) -> None:
        page = self.read(f"/tickets/{ticket_id}", now)
        if page.get_mark("ticket-head", "state") != "in_progress":
            return
        device = self._device_of(page)
        found = self._look(device, ticket_id, now)
        part = next((each.part for each in map(_describe, found) if each.part), "")
        if part and not has_parts and self.habits.happens(_NEEDS_ORDER, "parts", ticket_id):
            self._wait(now, page, ticket_id, part)
        elif found and device is not None:
            self._mend(now, page, ticket_id, device, found)
        else:
            self._close(now, ticket_id, page)

    def _look(self, device: str | None, ticket_id: int, now: datetime) -> list[FaultKind]:
        """What they find at the machine: the less there is, the more diligence it takes."""
        if device is None or self.habits.happens(_CARELESS / 2, "overlooks", ticket_id):
            return []
        visible = 0.25 - 0.2 * self.habits.diligence
        return self.around.truth.find_faults(device, now, at_least=visible)

    def _wait(self, now: datetime, page: Page, ticket_id: int, part: str) -> None:
        note = f"Seen on site. The {part} is ordered."
        self._move(page, ticket_id, "wait", note)
        self._prepare(ticket_id, now)

    def _mend(
        self, now: datetime, page: Page, ticket_id: int, device: str, found: list[FaultKind]
    ) -> None:
        for kind in found:
            self.around.truth.repair(device, kind, now)
        self._move(page, ticket_id, "solve")
        self.around.call_customer(page.get_mark("ticket-head", "serial"), ticket_id, now)
        self._plan_finish(ticket_id, now, _LOOKS_AGAIN)

    def _plan_finish(self, ticket_id: int, now: datetime, left: int) -> None:
        # The machine must have run for a while before anybody can say that it is well.
        due = max(self.hours.add(now, 2.0), now + timedelta(hours=5))
        self.plan(
            self.hours.next_open(due), lambda at: self._finish(ticket_id, at, left), Chore.VISITS
        )

    def _finish(self, ticket_id: int, now: datetime, left: int = 0) -> None:
        page = self.read(f"/tickets/{ticket_id}", now)
        state = page.get_mark("ticket-head", "state")
        if state == "in_progress":
            self._work(ticket_id, now, has_parts=True)
        elif state == "solved" and left and _has_active_alarm(page):
            self._plan_finish(ticket_id, now, left - 1)
        elif state == "solved":
            self._close(now, ticket_id, page)

    def _close(self, now: datetime, ticket_id: int, page: Page) -> None:
        """Says what it was, why, and of each alarm whether it was right."""
        finding = self._recall(page, now)
        address = f"/tickets/{ticket_id}/close-out"
        form_page = self.read(address, now)
        answers = {"failure_mode": finding.mode, "failure_cause": finding.cause}
        answers |= self._judge(form_page.find_form(address), finding, ticket_id)
        self.press(form_page, address, **answers, note=finding.note)
        self._mine.discard(ticket_id)
        self.around.call_customer(page.get_mark("ticket-head", "serial"), ticket_id, now)

    def _recall(self, page: Page, now: datetime) -> Finding:
        device = self._device_of(page)
        if device is None:
            return NOTHING
        mended = self.around.truth.find_repaired(device, now, _MENDED_WITHIN)
        return describe_fault(mended[0]) if mended else NOTHING

    def _judge(self, form: Form | None, finding: Finding, ticket_id: int) -> dict[str, str]:
        """A verdict on each alarm; now and then one that was given without thinking."""
        questions = [name for name in form.choices if name.startswith("verdict_")] if form else []
        usual = "false" if finding is NOTHING else "right"
        wrong = "unclear" if finding is NOTHING else "false"
        return {
            name: wrong if self.habits.happens(_CARELESS, name, ticket_id) else usual
            for name in questions
        }

    def _device_of(self, page: Page) -> str | None:
        return self.around.find_device(page.get_mark("ticket-head", "serial"))

    def _move(self, page: Page, ticket_id: int, move: str, note: str = "") -> None:
        fields = {"move": move} | ({"note": note} if note else {})
        self.press(page, f"/tickets/{ticket_id}/move", **fields)


def _describe(kind: FaultKind) -> Finding:
    return describe_fault(kind)


def _has_active_alarm(page: Page) -> bool:
    return any(each.get("data-active") == "yes" for _, each in page.list_live("alarm"))
