"""What all simulated people have: a browser, habits, office hours, and a diary of errands."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Protocol

import structlog

from simulators.browser import Account, Page, PageFailed, Visitor
from simulators.people.cast import Profile, Trouble
from simulators.people.habits import Habits, Hours
from simulators.people.truth import Truth

_log = structlog.get_logger(__name__)

Act = Callable[[datetime], None]


class Chore(StrEnum):
    """What an errand is about; people may rest from one chore and go on with the others."""

    MACHINES = "machines"
    VISITS = "visits"
    OFFERS = "offers"
    ANSWERS = "answers"


@dataclass(order=True, slots=True)
class Errand:
    """Something that somebody wants to do at a time."""

    due: datetime
    number: int
    who: "Person" = field(compare=False)
    act: Act = field(compare=False)
    chore: Chore = field(compare=False)


class Diary:
    """What all people want to do, in the order in which it is due."""

    def __init__(self) -> None:
        self._errands: list[Errand] = []
        self._numbers = count()

    @property
    def next_due(self) -> datetime | None:
        return self._errands[0].due if self._errands else None

    def add(self, due: datetime, who: "Person", act: Act, chore: Chore) -> None:
        heapq.heappush(self._errands, Errand(due, next(self._numbers), who, act, chore))

    def take(self, until: datetime) -> Errand | None:
        """The next errand that is due by then."""
        if self._errands and self._errands[0].due <= until:
            return heapq.heappop(self._errands)
        return None


class Surroundings(Protocol):
    """What a person reaches of the others: colleagues and customers by phone, machines by foot."""

    diary: Diary
    truth: Truth
    troubles: list[Trouble]

    def find_device(self, serial: str) -> str | None:
        """The device on the machine with that serial number."""
        ...

    def call_customer(self, serial: str, ticket_id: int, now: datetime) -> None:
        """Tells the machine's owner that something happened on a ticket."""
        ...

    def call_dealer(self, serial: str, ticket_id: int, now: datetime) -> None:
        """Tells the machine's dealer that its owner wrote something."""
        ...

    def call_about_offer(self, serial: str, offer_id: int, now: datetime) -> None:
        """Tells the machine's owner that an offer came."""
        ...

    def hand_over(self, organisation: str, name: str, ticket_id: int, now: datetime) -> None:
        """Gives a ticket to a colleague."""
        ...


class Person:
    """Somebody who acts through the pages of the portal alone."""

    def __init__(self, profile: Profile, url: str, seed: int, around: Surroundings) -> None:
        self.profile = profile
        self.around = around
        self.habits = Habits(seed, profile.email)
        opens = 7.0 + round(2 * self.habits.draw("opens")) / 2
        self.hours = Hours(profile.time_zone, opens, opens + 9.0)
        self.visitor = Visitor(url, Account(profile.email, profile.password))

    def begin(self, now: datetime) -> None:
        """Writes the first errand into the diary."""

    def plan(self, due: datetime, act: Act, chore: Chore = Chore.MACHINES) -> None:
        self.around.diary.add(due, self, act, chore)

    def plan_work(
        self, now: datetime, hours: float, act: Act, chore: Chore = Chore.MACHINES
    ) -> None:
        """Plans something for after so many working hours."""
        self.plan(self.hours.add(now, hours), act, chore)

    def attempt(self, act: Act, now: datetime) -> None:
        """Does something; what a page refused or broke is written down, not raised."""
        try:
            act(now)
        except PageFailed as failure:
            self.note(now, failure.address, failure.status, failure.text)

    def read(self, path: str, now: datetime) -> Page:
        """A page; what stands on it about an act of theirs that failed is noted."""
        page = self.visitor.read(path)
        for sentence in page.refusals:
            self.note(now, path, page.status, sentence)
        return page

    def press(self, page: Page, action: str, /, **fields: str) -> None:
        """Sends the form of the page that posts to `action`; of several the one of that move."""
        chosen = {name: fields[name] for name in ("move",) if name in fields}
        self.visitor.press(page, page.find_form(action, **chosen), **fields)

    def note(self, now: datetime, address: str, status: int, text: str) -> None:
        trouble = Trouble(
            at=now, person=self.profile.email, address=address, status=status, text=text
        )
        self.around.troubles.append(trouble)
        _log.warning(
            "a person met trouble",
            person=trouble.person,
            address=address,
            status=status,
            text=text,
        )


MOST_IDLE = timedelta(hours=11)
