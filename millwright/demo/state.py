"""What a data folder's demo is and how far its time has come, kept in the folder."""

import json
from dataclasses import asdict, dataclass, replace

from foundation.clock import SystemClock, to_ms
from foundation.errors import Invalid
from millwright.data_folder import DataFolder
from simulators.fleet import DAY_MS, Fleet, make_fleet
from simulators.ledger import Ledger

STATE_FILE = "demo-state.json"
INTERVAL_S = 600


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What was asked for."""

    assets: int = 60
    days: int = 90
    seed: int = 2
    speed: float = 1.0
    broker: str | None = None
    has_people: bool = True


@dataclass(frozen=True, slots=True)
class DemoState:
    """Which demo lies in the folder; `reached_ms` is where its time stands.

    `is_made` once the first history was played to its end.
    """

    assets: int
    days: int
    seed: int
    start_ms: int
    reached_ms: int
    is_made: bool = False

    def make_fleet(self, ledger: Ledger) -> Fleet:
        return make_fleet(
            seed=self.seed,
            assets=self.assets,
            start_ms=self.start_ms,
            planned_days=self.days,
            interval_s=INTERVAL_S,
            ledger=ledger,
        )

    def reach(self, at_ms: int) -> "DemoState":
        """The same, come as far as that; time never goes back."""
        return replace(self, reached_ms=max(self.reached_ms, at_ms))


def read_state(folder: DataFolder, plan: DemoPlan) -> DemoState:
    """The folder's demo, or a new one that ends now.

    Raises:
        Invalid: when the folder holds another one than was asked for.
    """
    path = folder.path / STATE_FILE
    if not path.exists():
        now_ms = to_ms(SystemClock().now())
        start_ms = (now_ms - plan.days * DAY_MS) // 60_000 * 60_000
        return DemoState(plan.assets, plan.days, plan.seed, start_ms, start_ms)
    state = DemoState(**json.loads(path.read_text(encoding="utf-8")))
    if (state.assets, state.days, state.seed) != (plan.assets, plan.days, plan.seed):
        raise Invalid(
            f"{folder.path} holds a demo with --assets {state.assets} --days {state.days} "
            f"--seed {state.seed}. Ask for the same, or choose another folder with --data."
        )
    return state


def write_state(folder: DataFolder, state: DemoState) -> None:
    """Keeps how far the demo has come."""
    folder.write_private(STATE_FILE, json.dumps(asdict(state)))
