"""Why something was decided: a code with parameters, put into words only when shown.

The words live in web; nothing here knows a language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Parameter = str | int | float | None


@dataclass(frozen=True, slots=True)
class Reason:
    """One ground for a decision, such as `limit_exceeded` with metric, value and unit."""

    code: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return {"code": self.code, "parameters": dict(self.parameters)}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Reason":
        parameters = stored.get("parameters")
        return cls(str(stored["code"]), dict(parameters) if isinstance(parameters, dict) else {})


def to_json(reasons: Iterable[Reason]) -> list[dict[str, object]]:
    """The reasons as a list for a JSON column."""
    return [reason.to_json() for reason in reasons]


def from_json(stored: Iterable[Mapping[str, object]] | None) -> tuple[Reason, ...]:
    """The reasons of a JSON column; an empty column has none."""
    return tuple(Reason.from_json(item) for item in stored or ())
