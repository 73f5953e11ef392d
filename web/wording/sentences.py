"""What sentences are made from: the parameters of a reason, ready to be put into words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from foundation.clock import from_ms
from foundation.reasons import Parameter
from foundation.units import symbol
from web.wording.translate import (
    format_amount,
    format_estimate,
    format_moment,
    format_number,
    format_share,
    format_window,
)
from web.wording.translate import gettext as _


@dataclass(frozen=True, slots=True)
class Context:
    """What a sentence needs beside its reason: names of metrics, whose clock, which currency."""

    metrics: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parameters of a reason, ready to be put into a sentence."""

    given: Mapping[str, Parameter]
    context: Context

    def text(self, name: str) -> str:
        value = self.given.get(name)
        return "" if value is None else str(value)

    def whole(self, name: str) -> int:
        value = self.given.get(name)
        return int(value) if isinstance(value, int | float) else 0

    def metric(self, name: str = "metric") -> str:
        key = self.text(name)
        return self.context.metrics.get(key, key.replace("_", " ").capitalize())

    def figure(self, name: str) -> str:
        """A number with its unit."""
        value = self.given.get(name)
        if not isinstance(value, int | float):
            return _("an unknown value")
        return f"{format_number(value)} {symbol(self.text('unit'))}".strip()

    def number(self, name: str) -> str:
        value = self.given.get(name)
        return format_estimate(value) if isinstance(value, int | float) else _("an unknown value")

    def money(self, name: str) -> str:
        """An amount in the currency of the context; whole above ten, for it is an estimate."""
        value = self.given.get(name)
        if not isinstance(value, int | float):
            return _("an unknown value")
        return format_amount(value, self.context.currency)

    def share(self, name: str) -> str:
        value = self.given.get(name)
        return format_share(value) if isinstance(value, int | float) else ""

    def window(self) -> str:
        """From when to when, at the place that the sentence is about."""
        ends = (self.given.get(name) for name in ("from_ms", "to_ms"))
        told = [from_ms(int(each)) for each in ends if isinstance(each, int | float)]
        if len(told) != 2:
            return _("an unknown time")
        return format_window(*(each.astimezone(self.context.zone) for each in told))

    def since(self, name: str = "since_ms") -> str:
        value = self.given.get(name)
        if not isinstance(value, int | float):
            return _("an unknown time")
        return format_moment(from_ms(int(value)).astimezone(self.context.zone))
