"""What may be set about a normal-period model, with units, ranges and defaults."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from foundation.errors import Invalid
from telemetry.detectors.transitions import Crossing

_RANGES: Mapping[str, tuple[float, float]] = {
    "normal_readings": (100, 10_000_000),
    "window_s": (1, 7 * 86_400),
    "margin": (0.5, 20),
    "on_delay_s": (0, 7 * 86_400),
    "off_delay_s": (0, 7 * 86_400),
    "hysteresis": (0, 0.4),
    "max_gap_s": (0.1, 7 * 86_400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPeriodSettings:
    """How a normal period is learned and what counts as a departure from it.

    The times fit a reading a second; `for_interval` scales them to a slower machine.

    - normal_readings: fewest readings of a normal period. A longer one is better: what the machine
      did not do in its normal period, such as a warm-up, counts as a departure afterwards.
    - window_s: length of the rolling mean, s. Long enough to hold some 30 readings, short beside
      the time in which a fault should be noticed.
    - margin: the threshold, in units of the distance that one window in a hundred exceeds as long
      as the machine stays as regular as it was. Real machines wander.
    - on_delay_s: how long the score must stay above 0.5 before it raises, s.
    - off_delay_s: how long it must stay below before it clears, s.
    - hysteresis: how far below 0.5 the score must fall for that.
    - max_gap_s: longest silence after which windows and delays go on, s; at most window_s.
    """

    normal_readings: int = 400
    window_s: float = 60.0
    margin: float = 2.25
    on_delay_s: float = 60.0
    off_delay_s: float = 120.0
    hysteresis: float = 0.05
    max_gap_s: float = 30.0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise Invalid(
                    "%(name)s must be between %(low)s and %(high)s.",
                    field=name,
                    name=name,
                    low=f"{low:g}",
                    high=f"{high:g}",
                )
        if self.max_gap_s > self.window_s:
            raise Invalid("max_gap_s must not exceed window_s.", field="max_gap_s")

    @classmethod
    def for_interval(cls, interval_s: float) -> "NormalPeriodSettings":
        """The defaults, with times scaled to machines that report every `interval_s` seconds.

        They stay within their ranges, however seldom a machine reports.
        """
        plain, factor = cls(), max(interval_s, 1.0)
        times = ("window_s", "on_delay_s", "off_delay_s", "max_gap_s")
        scaled = {name: min(getattr(plain, name) * factor, _RANGES[name][1]) for name in times}
        return cls(**scaled)

    @property
    def crossing(self) -> Crossing:
        """When the score raises and clears."""
        return Crossing(
            threshold=0.5,
            hysteresis=self.hysteresis,
            on_delay_s=self.on_delay_s,
            off_delay_s=self.off_delay_s,
            max_gap_s=self.max_gap_s,
        )

    @property
    def window_ms(self) -> int:
        return round(self.window_s * 1000)

    @property
    def max_gap_ms(self) -> int:
        return round(self.max_gap_s * 1000)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "NormalPeriodSettings":
        """The settings that `to_json` described; what is missing has its default."""
        return cls(**stored)
