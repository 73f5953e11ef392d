"""What each asset carries between batches, plain enough to be saved; transitions has the rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from telemetry.windows import Assets, Flags, Times

# Far before any time, yet near enough that differences stay within 64 bits.
NEVER_MS = -(1 << 62)

_SINCE_FIELDS = ("above_since_ms", "below_since_ms", "last_ms", "seen_ms")


@dataclass(frozen=True, eq=False, slots=True)
class CarriedState:
    """What each asset carries from one batch to the next for one crossing; all arrays (a,).

    `asset` ascends. `above_since_ms` and `below_since_ms` tell since when the condition holds or
    is gone, `last_ms` when a level was last present, `seen_ms` the newest row that had its effect.
    """

    asset: Assets
    is_active: Flags
    above_since_ms: Times
    below_since_ms: Times
    last_ms: Times
    seen_ms: Times

    @classmethod
    def starting(cls, seen_ms: Mapping[int, int]) -> "CarriedState":
        """A state without alarms in which rows up to `seen_ms` of each asset count as seen."""
        return cls.from_json({asset: {"seen_ms": at_ms} for asset, at_ms in seen_ms.items()})

    @classmethod
    def from_json(cls, stored: Mapping[int, Mapping[str, Any]]) -> "CarriedState":
        """The state of the assets in `stored`; what an asset's entry does not say is "never"."""
        assets = sorted(stored)
        entries = [stored[asset] for asset in assets]
        return cls(
            np.array(assets, dtype=np.uint32),
            np.array([bool(entry.get("active")) for entry in entries], dtype=np.bool_),
            *(_times(entry.get(name) for entry in entries) for name in _SINCE_FIELDS),
        )

    def to_json(self) -> dict[int, dict[str, Any]]:
        """One plain entry per asset, to be saved with its watermark."""
        entries: dict[int, dict[str, Any]] = {
            asset: {"active": active}
            for asset, active in zip(self.asset.tolist(), self.is_active.tolist(), strict=True)
        }
        for name in _SINCE_FIELDS:
            for entry, at_ms in zip(entries.values(), getattr(self, name).tolist(), strict=True):
                entry[name] = None if at_ms == NEVER_MS else at_ms
        return entries

    def covering(self, assets: Assets) -> "CarriedState":
        """The same state with those of the assets added that it does not know yet."""
        if np.isin(assets, self.asset).all():
            return self
        every = np.union1d(self.asset, assets)
        place = np.searchsorted(every, self.asset)
        is_active = np.zeros(len(every), dtype=np.bool_)
        is_active[place] = self.is_active
        times = []
        for name in _SINCE_FIELDS:
            spread = np.full(len(every), NEVER_MS, dtype=np.int64)
            spread[place] = getattr(self, name)
            times.append(spread)
        return CarriedState(every, is_active, *times)

    def rearmed(self, assets: Iterable[int]) -> "CarriedState":
        """Forgets the alarm of those assets: the condition must hold for its delay anew."""
        chosen = np.isin(self.asset, np.fromiter(assets, dtype=np.uint32))
        return replace(
            self,
            is_active=self.is_active & ~chosen,
            above_since_ms=np.where(chosen, NEVER_MS, self.above_since_ms),
        )

    def watermarks(self, asset: Assets) -> Times:
        """For each row (n,) its asset's `seen_ms`, `NEVER_MS` for an asset not known."""
        if not len(self.asset):
            return np.full(len(asset), NEVER_MS, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.asset, asset), len(self.asset) - 1)
        return np.where(self.asset[place] == asset, self.seen_ms[place], NEVER_MS)


def _times(values: Iterable[int | None]) -> Times:
    return np.array([NEVER_MS if value is None else value for value in values], dtype=np.int64)
