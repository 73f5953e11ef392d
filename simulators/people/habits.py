"""Office hours in a person's own time zone, and what is typical of each person, from the seed.

Nothing here remembers: whoever asks again with the same words gets the same answer.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WEEK = (0, 1, 2, 3, 4)


def draw(*words: object) -> float:
    """A number from 0 to below 1 that looks random, the same for the same words."""
    text = "\x1f".join(map(str, words)).encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody works: from, to (local hours) on days with Monday as 0."""

    time_zone: str
    opens: float = 8.0
    ends: float = 17.0
    days: tuple[int, ...] = _WEEK

    def is_open(self, at: datetime) -> bool:
        """Whether they work at that instant."""
        begins, ends = self._hours_of(at, 0)
        return begins <= at < ends and self._is_working_day(begins)

    def next_open(self, at: datetime) -> datetime:
        """That instant, or else when they begin next."""
        if self.is_open(at):
            return at
        for days in range(9):
            begins, _ = self._hours_of(at, days)
            if begins >= at and self._is_working_day(begins):
                return begins
        raise ValueError("nobody ever works then")

    def add(self, at: datetime, hours: float) -> datetime:
        """After so many of their working hours."""
        left, now = timedelta(hours=hours), self.next_open(at)
        while left > (rest := self._hours_of(now, 0)[1] - now):
            left -= rest
            now = self.next_open(now + rest)
        return now + left

    def _hours_of(self, at: datetime, days: int) -> tuple[datetime, datetime]:
        """Begin and end of the day that is so many days after that instant's."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        on = local.date() + timedelta(days=days)
        midnight = datetime.combine(on, time(), local.tzinfo)
        # Local hours as the wall's clock shows them, also on the days when it is changed.
        begins, ends = (
            midnight + timedelta(hours=self.opens),
            midnight + timedelta(hours=self.ends),
        )
        return begins.astimezone(UTC), ends.astimezone(UTC)

    def _is_working_day(self, begins: datetime) -> bool:
        return begins.astimezone(ZoneInfo(self.time_zone)).weekday() in self.days


@dataclass(frozen=True, slots=True)
class Habits:
    """What somebody is like; `speed` stretches their delays, the others are from 0 to 1."""

    seed: int
    name: str

    @property
    def speed(self) -> float:
        return 0.7 + 0.8 * self.draw("speed")

    @property
    def diligence(self) -> float:
        return 0.5 + 0.5 * self.draw("diligence")

    @property
    def talkativeness(self) -> float:
        return 0.1 + 0.4 * self.draw("talkativeness")

    def draw(self, *words: object) -> float:
        return draw(self.seed, self.name, *words)

    def takes(self, low_h: float, high_h: float, *words: object) -> float:
        """Hours that something takes them, mostly nearer to the lower end."""
        return self.speed * (low_h + (high_h - low_h) * self.draw("takes", *words) ** 2)

    def happens(self, chance: float, *words: object) -> bool:
        return self.draw("happens", *words) < chance
