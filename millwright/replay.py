"""`millwright replay`: CSV measurements played as equipment over MQTT, under one scaled clock.

The replay owns its data folder and runs the whole platform while it plays. Readings keep their own
times; the clock starts at the first of them and runs at the wanted speed, so on-delays, lateness
and tickets come out as they would have then.
"""

from dataclasses import dataclass
from pathlib import Path

from foundation.errors import Invalid

MAPPINGS = Path(__file__).parent.parent / "simulators" / "mappings"
_DRAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What to replay, and how fast."""

    folder: Path
    mapping: str
    speed: float
    keep: bool = False
    broker: str | None = None


def find_mapping(name: str) -> Path:
    """The file of that path, or the shipped mapping of that name.

    Raises:
        Invalid: when there is neither.
    """
    for path in (Path(name), MAPPINGS / f"{name}.toml"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(each.stem for each in MAPPINGS.glob("*.toml")))
    raise Invalid(f"There is no mapping file {name!r}; shipped ones are {shipped}.")
