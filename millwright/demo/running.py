"""`millwright demo`: pretend machines and people, their history, and the portal.

A first start plays the time before; a later one fills the time since. What happens in that time
is history.py's.
"""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from foundation.clock import Clock, ManualClock, ScaledClock, SystemClock, from_ms, to_ms
from foundation.errors import Conflict
from foundation.identity.scope import Scope
from foundation.log import set_up_logs
from foundation.settings import Settings, read_settings
from millwright.broker import check_place
from millwright.children import ChildProcess, start_python
from millwright.data_folder import DataFolder
from millwright.demo.history import HISTORY_SPEED, HistoryPlan, Rest, play_history
from millwright.demo.network import (
    PRESENTED,
    PRESENTED_CUSTOMER,
    PRESENTED_DEALER,
    install_demo,
    list_presented,
    make_cast,
)
from millwright.demo.state import INTERVAL_S, DemoPlan, DemoState, read_state, write_state
from millwright.memory import settle_collector
from millwright.serve import (
    Service,
    choose_broker,
    interrupt_on_signals,
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
from millwright.wiring import open_platform
from simulators.fleet import DAY_MS
from simulators.ledger import Ledger
from simulators.pace import list_pace
from simulators.people.cast import Cast, Trouble
from simulators.people.person import Chore

DEFAULT_FOLDER = Path("~/.millwright-demo")
PREFERRED_PORT = 8000
# Farther back than this a pause of the demo stays a gap: it was off.
FILL_DAYS = 3
# Whose work waits for the visitor at the end of the first history, and for how many days; offers
# are searched once a week, and somebody must have sent what the customer is to answer.
RESTS = (
    (PRESENTED_DEALER, Chore.MACHINES, 3),
    (PRESENTED_DEALER, Chore.VISITS, 7),
    (PRESENTED_DEALER, Chore.OFFERS, 13),
    (PRESENTED_CUSTOMER, Chore.ANSWERS, 35),
)
# Of a short history at most that share.
REST_SHARE = 0.4


def run_demo(data: Path | None, plan: DemoPlan, given: Mapping[str, Any]) -> int:
    """Runs the demo until it is told to stop; returns the exit code."""
    interrupt_on_signals()
    settle_collector()
    # What history does every night would tear its bar; warnings may.
    set_up_logs("console", level=logging.WARNING)
    with ExitStack() as stack:
        folder = DataFolder((data or DEFAULT_FOLDER).expanduser().absolute())
        stack.callback(folder.release)
        listener = _reserve_port(given)
        stack.callback(listener.close)
        settings = read_demo_settings(folder, given)
        _, external = choose_broker(plan.broker, settings)
        check_place(port=settings.mqtt_port, external_url=external)
        state = read_state(folder, plan)
        # A first start that is interrupted goes on where it began, not beside it.
        write_state(folder, state)
        made = make_history(folder, settings, state)
        set_up_logs("console")
        clock = _make_clock(made.state, plan.speed)
        platform = stack.enter_context(open_platform(settings, clock, speed=plan.speed))
        service = stack.enter_context(
            running(platform, folder, listener, broker=plan.broker, anonymous_devices=True)
        )
        stop_on_signals(service.stop)
        stack.callback(_remember_time, folder, made.state, clock)
        shown = list_presented(made.accounts)
        # Before anything else is started: whoever saw the portal answer looks for this file.
        write_trial_facts(folder, service.url, service.broker.url, shown)
        fleet = _start_fleet(service, made.state, clock, plan.speed)
        stack.callback(fleet.stop, 1.5)
        if plan.has_people:
            people = _start_people(service, made, clock, plan.speed)
            stack.callback(people.stop, 1.5)
        _tell(folder, service, shown, plan)
        return service.wait()


def _reserve_port(given: Mapping[str, Any]) -> Any:
    host = given.get("host") or "127.0.0.1"
    if given.get("port") is not None:
        return reserve_port(host, given["port"])
    try:
        return reserve_port(host, PREFERRED_PORT)
    except Conflict:
        return reserve_port(host, 0)


def read_demo_settings(folder: DataFolder, given: Mapping[str, Any]) -> Settings:
    """The settings of a demo in that folder, with what was asked for on the command line."""
    chosen = {key: value for key, value in given.items() if value is not None}
    return read_settings(
        {
            "data_dir": folder.path,
            "database_url": f"sqlite:///{folder.path / 'millwright.db'}",
            "secret_key": folder.get_secret("secret_key"),
            **chosen,
        }
    )


def _remember_time(folder: DataFolder, state: DemoState, clock: Clock) -> None:
    write_state(folder, state.reach(to_ms(clock.now())))


def _make_clock(state: DemoState, speed: float) -> Clock:
    now = SystemClock().now()
    reached = from_ms(state.reached_ms)
    # A demo that ran fast is ahead of the world; its time never goes back.
    if speed == 1.0 and reached <= now:
        return SystemClock()
    return ScaledClock(max(now, reached), speed)


@dataclass(frozen=True, slots=True)
class MadeHistory:
    """What is there once the history was played; `troubles` are pages that people stumbled on."""

    state: DemoState
    accounts: list[TrialAccount]
    cast: Cast
    troubles: tuple[Trouble, ...] = ()


def make_history(
    folder: DataFolder, settings: Settings, state: DemoState, until_ms: int | None = None
) -> MadeHistory:
    """Fills the time from where the demo stopped to the present, or to another end."""
    fleet = state.make_fleet(Ledger.of_folder(folder.path))
    until_ms = to_ms(SystemClock().now()) if until_ms is None else until_ms
    begin_ms = max(state.reached_ms, _oldest_to_fill(state))
    clock = ManualClock(from_ms(begin_ms))
    with open_platform(settings, clock, speed=HISTORY_SPEED) as platform:
        with platform.database.transaction(Scope.system("demo")) as session:
            made = install_demo(session, fleet, at=from_ms(state.start_ms))
        accounts = remember_accounts(folder, made)
        with platform.database.session(Scope.system("demo")) as session:
            cast = make_cast(session, fleet, accounts)
        played = play_history(
            platform,
            clock,
            fleet,
            cast,
            HistoryPlan(state.seed, begin_ms, until_ms, _list_rests(state, begin_ms, until_ms)),
            keep=lambda at_ms: write_state(folder, state.reach(at_ms)),
        )
    state = replace(state.reach(played.reached_ms), is_made=True)
    write_state(folder, state)
    return MadeHistory(state, accounts, cast, played.troubles)


def _list_rests(state: DemoState, begin_ms: int, until_ms: int) -> tuple[Rest, ...]:
    """What is left to the visitor, at the end of the first history and in all that follow."""
    if state.is_made:
        return tuple(Rest(name, chore, begin_ms) for name, chore, _ in RESTS)
    longest_ms = int((until_ms - begin_ms) * REST_SHARE)
    return tuple(
        Rest(name, chore, until_ms - min(days * DAY_MS, longest_ms)) for name, chore, days in RESTS
    )


def _oldest_to_fill(state: DemoState) -> int:
    if not state.is_made:
        return state.reached_ms
    return to_ms(SystemClock().now() - timedelta(days=FILL_DAYS))


def _start_fleet(service: Service, state: DemoState, clock: Clock, speed: float) -> ChildProcess:
    account = service.device_account()
    data_dir = service.platform.settings.data_dir
    arguments = [
        f"--url={service.broker.url}",
        f"--seed={state.seed}",
        f"--assets={state.assets}",
        f"--start-ms={state.start_ms}",
        f"--planned-days={state.days}",
        f"--interval-s={INTERVAL_S}",
        f"--ledger={Ledger.of_folder(data_dir).path}",
        *list_pace(clock.now(), speed),
    ]
    if account is not None:
        arguments.append(f"--user={account.user}")
    password = account.password if account is not None else None
    log_path = data_dir / "fleet.log"
    return start_python("simulators.publisher", arguments, log_path, first_line=password)


def _start_people(service: Service, made: MadeHistory, clock: Clock, speed: float) -> ChildProcess:
    """Everybody but those whom the visitor may play, whose work waits for the visitor."""
    data_dir = service.platform.settings.data_dir
    cast = made.cast.without({PRESENTED_DEALER}, set(PRESENTED))
    arguments = [
        f"--url={service.url}",
        f"--ledger={Ledger.of_folder(data_dir).path}",
        f"--seed={made.state.seed}",
        *list_pace(clock.now(), speed),
    ]
    told = msgspec.json.encode(cast).decode()
    return start_python("simulators.people", arguments, data_dir / "people.log", first_line=told)


def _tell(
    folder: DataFolder, service: Service, accounts: list[TrialAccount], plan: DemoPlan
) -> None:
    click.echo(describe(service.url, service.broker.url, accounts))
    pace = "" if plan.speed == 1.0 else f"The clock runs {plan.speed:g} times as fast. "
    click.echo(f"\n{pace}Data in {folder.path}. Ctrl-C stops it.")
