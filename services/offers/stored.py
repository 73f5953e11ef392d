"""A proposal as it is kept on its offer: JSON there and back."""

from typing import Any

import msgspec

from services.offers.kinds.contract import Estimate, Figure, Proposal


def to_stored(proposal: Proposal) -> dict[str, Any]:
    """The proposal as plain JSON values; infinite ends are cut to what JSON can hold."""
    stored: dict[str, Any] = msgspec.to_builtins(proposal)
    return stored


def from_stored(stored: dict[str, Any]) -> Proposal:
    """The proposal that was kept."""
    return msgspec.convert(stored, Proposal)


def estimate_of(figures: tuple[Figure, ...], code: str) -> Estimate | None:
    """The figure of that code, if the proposal has it."""
    return next((each.estimate for each in figures if each.code == code), None)
