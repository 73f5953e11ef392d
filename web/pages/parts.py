"""Small values that the macros of templates/_macros draw: places, actions, chips, figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the rail."""

    label: str
    url: str
    icon: str
    active: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A button in a page's head: a link, or a form that posts to `action`."""

    label: str
    url: str = ""
    action: str = ""
    icon: str = ""
    primary: bool = False
    danger: bool = False
    key: str = ""
    confirm: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter above a list; `count` stands beside its label."""

    label: str
    url: str
    active: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it means; it may lead to what it counts, and bear a state's sign."""

    name: str
    value: str
    unit: str = ""
    note: str = ""
    url: str = ""
    icon: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of one with its label; `text` is the figure beside it."""

    label: str
    share: float
    text: str
