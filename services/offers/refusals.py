"""Refusals around offers and orders: they carry their reasons as codes, worded by the portal."""

from collections.abc import Sequence

from foundation.errors import Conflict, Invalid
from foundation.reasons import Reason


def _plain(reasons: Sequence[Reason]) -> str:
    # For logs and callers without a portal; people read the portal's words.
    return ", ".join(reason.code.replace("_", " ") for reason in reasons)


class OfferRefused(Conflict):
    """The offer or order does not allow that now; `reasons` say why as codes."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__(_plain(reasons))
        self.reasons = reasons


class WordingRefused(Invalid):
    """What was handed in breaks a rule; `reasons` say which, `field` where."""

    def __init__(self, reason: Reason, *, field: str | None = None) -> None:
        super().__init__(_plain([reason]), field=field)
        self.reasons = (reason,)
