"""`millwright demo`: pretend machines, their history made by the real rules, and the portal.

The history runs through the same ingest, scoring, triage and people's acts as everything later,
under a clock that is moved from step to step. A second start fills the time since the first.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from devices.wire.native import encode_telemetry, telemetry_topic
from foundation.clock import Clock, ManualClock, ScaledClock, SystemClock, from_ms, to_ms
from foundation.errors import Conflict, Invalid
from foundation.identity.scope import Scope
from foundation.log import set_up_logs
from foundation.settings import Settings, read_settings
from millwright.children import ChildProcess, start_python
from millwright.data_folder import DataFolder
from millwright.demo_network import install_demo
from millwright.demo_people import DemoPeople
from millwright.serve import (
    Service,
    interrupt_on_sigterm,
    reserve_port,
    running,
    stop_on_signals,
)
from millwright.trial_network import (
    TrialAccount,
    describe,
    remember_accounts,
    write_trial_facts,
)
from millwright.wiring import Platform, open_platform
from simulators.fleet import Chunk, Fleet, make_fleet
from simulators.ledger import Ledger
from simulators.messages import list_messages
from telemetry.mqtt import Message

DEFAULT_FOLDER = Path("~/.millwright-demo")
PREFERRED_PORT = 8000
STEP_MS = 60 * 60 * 1000
# Readings wait up to a step for their turn, which must not make them late.
HISTORY_SPEED = 2 * STEP_MS / 60_000
DAY_MS = 86_400_000
# Farther back than this a pause of the demo stays a gap: it was off.
FILL_DAYS = 3
# A repair shows in the readings from the next stretch on.
_STRETCH_MS = 6 * STEP_MS
_INTERVAL_S = 60
_READINGS_IN_MESSAGE = 10
_STATE_FILE = "demo-state.json"


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What was asked for."""

    assets: int = 10
    days: int = 30
    seed: int = 2
    speed: float = 1.0
    broker: str | None = None


@dataclass(frozen=True, slots=True)
class DemoState:
    """What the folder's demo is, and how far its time has come."""

    assets: int
    days: int
    seed: int
    start_ms: int
    reached_ms: int

    def make_fleet(self, ledger: Ledger) -> Fleet:
        return make_fleet(
            seed=self.seed,
            assets=self.assets,
            start_ms=self.start_ms,
            planned_days=self.days,
            interval_s=_INTERVAL_S,
            ledger=ledger,
        )


def run_demo(data: Path | None, plan: DemoPlan, given: Mapping[str, Any]) -> int:
    """Runs the demo until it is told to stop; returns the exit code."""
    interrupt_on_sigterm()
    set_up_logs("console")
    with ExitStack() as stack:
        folder = DataFolder((data or DEFAULT_FOLDER).expanduser().absolute())
        stack.callback(folder.release)
        listener = _reserve_port(given)
        stack.callback(listener.close)
        settings = _read_settings(folder, given)
        state = _read_state(folder, plan)
        # A first start that is interrupted goes on where it began, not beside it.
        _write_state(folder, state)
        state, accounts = _make_history(folder, settings, state)
        clock = _make_clock(state, plan.speed)
        platform = stack.enter_context(open_platform(settings, clock, speed=plan.speed))
        service = stack.enter_context(running(platform, folder, listener, broker=plan.broker))
        stop_on_signals(service.stop)
        stack.callback(_remember_time, folder, state, clock)
        fleet = _start_fleet(service, state, clock, plan.speed)
        stack.callback(fleet.stop, 1.5)
        _tell(folder, service, accounts, plan)
        return service.wait()


def _reserve_port(given: Mapping[str, Any]) -> Any:
    host = given.get("host") or "127.0.0.1"
    if given.get("port") is not None:
        return reserve_port(host, given["port"])
    try:
        return reserve_port(host, PREFERRED_PORT)
    except Conflict:
        return reserve_port(host, 0)


def _read_settings(folder: DataFolder, given: Mapping[str, Any]) -> Settings:
    chosen = {key: value for key, value in given.items() if value is not None}
    return read_settings(
        {
            "data_dir": folder.path,
            "database_url": f"sqlite:///{folder.path / 'millwright.db'}",
            "secret_key": folder.get_secret("secret_key"),
            **chosen,
        }
    )


def _read_state(folder: DataFolder, plan: DemoPlan) -> DemoState:
    path = folder.path / _STATE_FILE
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


def _write_state(folder: DataFolder, state: DemoState) -> None:
    folder.write_private(_STATE_FILE, json.dumps(asdict(state)))


def _remember_time(folder: DataFolder, state: DemoState, clock: Clock) -> None:
    reached_ms = max(state.reached_ms, to_ms(clock.now()))
    _write_state(folder, DemoState(**{**asdict(state), "reached_ms": reached_ms}))


def _make_clock(state: DemoState, speed: float) -> Clock:
    now = SystemClock().now()
    reached = from_ms(state.reached_ms)
    # A demo that ran fast is ahead of the world; its time never goes back.
    if speed == 1.0 and reached <= now:
        return SystemClock()
    return ScaledClock(max(now, reached), speed)


def _make_history(
    folder: DataFolder, settings: Settings, state: DemoState
) -> tuple[DemoState, list[TrialAccount]]:
    """Fills the time from where the demo stopped to the present."""
    fleet = state.make_fleet(Ledger.of_folder(folder.path))
    first = max(state.reached_ms, _oldest_to_fill(state))
    clock = ManualClock(from_ms(first))
    with open_platform(settings, clock, speed=HISTORY_SPEED) as platform:
        with platform.database.transaction(Scope.system("demo")) as session:
            made = install_demo(session, fleet, at=from_ms(state.start_ms))
        accounts = remember_accounts(folder, made)
        reached_ms = _play(platform, clock, fleet, first)
    state = DemoState(**{**asdict(state), "reached_ms": max(reached_ms, state.reached_ms)})
    _write_state(folder, state)
    return state, accounts


def _oldest_to_fill(state: DemoState) -> int:
    if state.reached_ms == state.start_ms:
        return state.start_ms
    return to_ms(SystemClock().now() - timedelta(days=FILL_DAYS))


def _play(platform: Platform, clock: ManualClock, fleet: Fleet, begin_ms: int) -> int:
    """Takes the platform through time step by step; returns the time it reached."""
    people = DemoPeople(platform.database, fleet)
    until_ms = to_ms(SystemClock().now())
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("Making history", total=max(until_ms - begin_ms, 1))
        reached_ms = begin_ms
        for step_end_ms, messages in _steps(fleet, begin_ms, until_ms):
            clock.set(from_ms(step_end_ms))
            platform.ingest.take_in(messages)
            platform.scoring.step()
            platform.worker.step()
            people.step(clock.now())
            progress.update(task, completed=step_end_ms - begin_ms)
            reached_ms = step_end_ms
    return reached_ms


def _steps(fleet: Fleet, begin_ms: int, until_ms: int) -> Iterator[tuple[int, list[Message]]]:
    """The fleet's messages in steps of `STEP_MS`, each with the step's end."""
    stretches = fleet.simulate_stretches(begin_ms, until_ms, chunk_s=_STRETCH_MS / 1000)
    for number, chunks in enumerate(stretches):
        messages = _messages(fleet, chunks)
        start_ms = begin_ms + number * _STRETCH_MS
        for step_ms in range(start_ms, min(start_ms + _STRETCH_MS, until_ms), STEP_MS):
            end_ms = min(step_ms + STEP_MS, until_ms)
            count = bisect_left(messages, end_ms, key=lambda each: each.received_at_ms)
            yield end_ms, messages[:count]
            messages = messages[count:]


def _messages(fleet: Fleet, chunks: list[Chunk]) -> list[Message]:
    """What the devices send, in the order they send it, each received when it is due."""
    packed = list_messages(fleet, chunks, readings_per_message=_READINGS_IN_MESSAGE)
    return [
        Message(
            connection=0,
            mid=0,
            topic=telemetry_topic(each.device),
            payload=encode_telemetry(each.readings),
            received_at_ms=each.due_ms,
        )
        for each in packed
    ]


def _start_fleet(service: Service, state: DemoState, clock: Clock, speed: float) -> ChildProcess:
    account = service.device_account()
    arguments = [
        f"--url={service.broker.url}",
        f"--seed={state.seed}",
        f"--assets={state.assets}",
        f"--start-ms={state.start_ms}",
        f"--planned-days={state.days}",
        f"--interval-s={_INTERVAL_S}",
        f"--ledger={Ledger.of_folder(service.platform.settings.data_dir).path}",
        f"--speed={speed}",
        f"--clock-ms={to_ms(clock.now())}",
        f"--at-ms={to_ms(SystemClock().now())}",
    ]
    if account is not None:
        arguments.append(f"--user={account.user}")
    log_path = service.platform.settings.data_dir / "fleet.log"
    password = account.password if account is not None else None
    return start_python("simulators.publisher", arguments, log_path, first_line=password)


def _tell(
    folder: DataFolder, service: Service, accounts: list[TrialAccount], plan: DemoPlan
) -> None:
    write_trial_facts(folder, service.url, service.broker.url, accounts)
    click.echo(describe(service.url, service.broker.url, accounts))
    pace = "" if plan.speed == 1.0 else f"The clock runs {plan.speed:g} times as fast. "
    click.echo(f"\n{pace}Data in {folder.path}. Ctrl-C stops it.")
