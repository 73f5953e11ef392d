"""Half-open intervals of time, [start, end), where an open end means "until further notice"."""

from dataclasses import dataclass
from datetime import datetime

from foundation.errors import Invalid


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` (included) to `end` (not included); no `end` means it goes on."""

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise Invalid("A period cannot end before it starts.")

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant and (self.end is None or instant < self.end)

    def overlaps(self, other: "Interval") -> bool:
        """Whether some instant lies in both; touching ends do not overlap, empty ones never."""
        meet = self.intersection(other)
        return meet is not None and meet.start != meet.end

    def intersection(self, other: "Interval") -> "Interval | None":
        """The part common to both, or None."""
        start = max(self.start, other.start)
        ends = [end for end in (self.end, other.end) if end is not None]
        end = min(ends, default=None)
        return None if end is not None and end < start else Interval(start, end)
