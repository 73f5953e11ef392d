"""What an alarm or a likely cause says, as plain values read from their stored JSON.

Reading is forgiving: a missing or malformed part is absent, it never stops a ticket.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from devices.repair_costs import RepairCost
from foundation.errors import Invalid


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]  # narrowed by is_number


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


@dataclass(frozen=True, slots=True)
class Contribution:
    """A metric and its share in what was found, 0 to 1."""

    metric: str
    share: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a detector saw; times in ms since 1970, values in the metric's own unit."""

    detector: str = ""
    metrics: tuple[Contribution, ...] = ()
    value: float | None = None
    threshold: float | None = None
    unit: str | None = None
    direction: str | None = None
    score: float | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def top_metric(self) -> str | None:
        """The metric with the largest share."""
        return self.metrics[0].metric if self.metrics else None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Evidence":
        return cls(
            detector=_text(stored.get("detector")) or "",
            metrics=_read_metrics(stored),
            value=_number(stored.get("value")),
            threshold=_number(stored.get("threshold")),
            unit=_text(stored.get("unit")),
            direction=_text(stored.get("direction")),
            score=_number(stored.get("score")),
            from_ms=_whole(stored.get("from_ms")),
            to_ms=_whole(stored.get("to_ms")),
        )


def _read_metrics(stored: Mapping[str, Any]) -> tuple[Contribution, ...]:
    """Contributions with the largest share first; the named top metric comes before the rest."""
    listed = stored.get("metrics")
    shares: dict[str, float] = {}
    for each in listed if isinstance(listed, list) else []:
        metric = _text(each.get("metric")) if isinstance(each, Mapping) else None
        if metric:
            shares[metric] = min(max(_number(each.get("share")) or 0.0, 0.0), 1.0)
    top = _text(stored.get("top_metric"))
    if top and top not in shares:
        shares[top] = 0.0 if shares else 1.0
    ordered = sorted(shares, key=lambda metric: (metric != top, -shares[metric], metric))
    return tuple(Contribution(metric, shares[metric]) for metric in ordered)


@dataclass(frozen=True, slots=True)
class CauseHint:
    """What probably lies behind a condition, as the equipment model's maker wrote it down."""

    condition: str
    metric: str | None
    failure_mode: str
    cause: str
    label: str
    action: str
    parts: tuple[str, ...] = ()
    cost: RepairCost = field(default_factory=RepairCost)

    def to_json(self) -> dict[str, Any]:
        stored = asdict(self) | {"parts": list(self.parts)}
        del stored["cost"]
        return stored | _cost_to_json(self.cost)

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> "CauseHint | None":
        if not stored:
            return None
        parts = stored.get("parts")
        return cls(
            condition=_text(stored.get("condition")) or "",
            metric=_text(stored.get("metric")),
            failure_mode=_text(stored.get("failure_mode")) or "",
            cause=_text(stored.get("cause")) or "",
            label=_text(stored.get("label")) or "",
            action=_text(stored.get("action")) or "",
            parts=tuple(str(part) for part in parts) if isinstance(parts, list) else (),
            cost=_read_cost(stored),
        )


def _cost_to_json(cost: RepairCost) -> dict[str, Any]:
    known = cost.now or cost.failed
    return {
        "cost_now_minor": cost.now.minor if cost.now else None,
        "cost_failed_minor": cost.failed.minor if cost.failed else None,
        "currency": known.currency if known else None,
    }


def _read_cost(stored: Mapping[str, Any]) -> RepairCost:
    now, failed = _whole(stored.get("cost_now_minor")), _whole(stored.get("cost_failed_minor"))
    try:
        return RepairCost.of_minor(now, failed, _text(stored.get("currency")))
    except Invalid:
        return RepairCost()
