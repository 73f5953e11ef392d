"""The newest reading of every asset, held in memory by the process that ingests.

Built from the store at start; a reading older than what is held changes nothing.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telemetry.store.contract import Store


@dataclass(slots=True)
class LatestReading:
    """When an asset was last heard, and each metric's newest value with its own time.

    `clock_off_ms` says by how much the machine's clock is wrong, above 0 when it is ahead; None
    while it is right.
    """

    at_ms: int
    values: dict[str, tuple[float, int]] = field(default_factory=dict)
    clock_off_ms: int | None = None


class Latest:
    """Newest readings by asset id; safe to use from several threads."""

    def __init__(self) -> None:
        self._held: dict[int, LatestReading] = {}
        self._changed = threading.Condition()
        self._version = 0

    def update(self, asset_id: int, at_ms: int, values: Mapping[str, float]) -> None:
        """Takes a reading in; the owner calls `publish` after a batch."""
        held = self._held.get(asset_id)
        if held is None:
            held = self._held[asset_id] = LatestReading(at_ms)
        held.at_ms = max(held.at_ms, at_ms)
        for metric, value in values.items():
            known = held.values.get(metric)
            if known is None or known[1] <= at_ms:
                held.values[metric] = (value, at_ms)

    def note_clock(self, asset_id: int, off_ms: int | None) -> None:
        """Remembers that the machine's clock is off, or right again."""
        held = self._held.get(asset_id)
        if held is not None:
            held.clock_off_ms = off_ms
        elif off_ms is not None:
            self._held[asset_id] = LatestReading(0, clock_off_ms=off_ms)

    def forget(self, asset_ids: Iterable[int]) -> None:
        """Lets go of what is held of these assets."""
        for each in asset_ids:
            self._held.pop(each, None)

    def publish(self) -> None:
        """Wakes whoever waits for new readings."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def wait(self, version: int, timeout_s: float) -> int:
        """Waits for a batch after `version`; returns the present version."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout_s)
            return self._version

    def find(self, asset_id: int) -> LatestReading | None:
        """What was last heard of the asset; None when nothing ever was."""
        held = self._held.get(asset_id)
        return (
            None
            if held is None
            else LatestReading(held.at_ms, dict(held.values), held.clock_off_ms)
        )

    def at_ms(self, asset_ids: Iterable[int]) -> dict[int, int]:
        """When each of these assets was last heard; silent ones are left out."""
        known = ((each, self._held.get(each)) for each in asset_ids)
        return {each: held.at_ms for each, held in known if held is not None}

    def count_wrong_clocks(self, asset_ids: Iterable[int]) -> int:
        """How many of these assets report with a clock that is off."""
        known = (self._held.get(each) for each in asset_ids)
        return sum(held is not None and held.clock_off_ms is not None for held in known)

    def rebuild(self, store: Store, models: Mapping[str, list[str]], since_ms: int) -> None:
        """Fills the memory from the store: of each model its metrics, back to `since_ms`."""
        for model, metrics in models.items():
            found = store.latest(model, metrics=metrics, since_ms=since_ms)
            for asset_id, (at_ms, values) in found.items():
                self.update(asset_id, at_ms, values)
        self.publish()
