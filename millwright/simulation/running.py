"""A simulated fleet on somebody's broker, in this process, until it is told to stop."""

import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from foundation.clock import Clock, ScaledClock, SystemClock, from_ms, to_ms
from foundation.errors import Invalid
from millwright.serve import stop_on_signals
from simulators.fleet import make_fleet
from simulators.ledger import Act, Ledger
from simulators.publisher import Credentials, Manner, Sent, run_fleet, tell_time


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What was asked for; `data` is the folder of the truth ledger, if one is wanted."""

    seed: int
    assets: int
    days: int
    interval_s: int
    speed: float
    wire: str
    network: str
    data: Path | None
    with_flaws: bool = False


def run_on_broker(url: str, plan: RunPlan) -> Sent:
    """Sends until SIGTERM or Ctrl-C.

    Raises:
        Invalid: when the URL makes no sense.
        Unavailable: when the broker does not let us in.
    """
    address, credentials = split_url(url)
    ledger = None if plan.data is None else Ledger.of_folder(plan.data)
    clock = _make_clock(ledger, plan.speed)
    fleet = make_fleet(
        seed=plan.seed,
        assets=plan.assets,
        start_ms=_find_start_ms(ledger, clock),
        planned_days=plan.days,
        interval_s=plan.interval_s,
        ledger=ledger,
        with_flaws=plan.with_flaws,
    )
    if ledger is not None:
        tell_time(ledger, clock, plan.speed)
    stop_event = threading.Event()
    stop_on_signals(stop_event)
    manner = Manner(plan.wire, plan.network, max(60.0, plan.speed))
    return run_fleet(address, credentials, fleet, clock, stop_event, manner=manner)


def split_url(url: str) -> tuple[str, Credentials | None]:
    """The broker's address without the secret, and the secret.

    Raises:
        Invalid: when it makes no sense.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 1883
    except ValueError as error:
        raise Invalid("The port of the broker's URL makes no sense.") from error
    if parts.scheme != "mqtt" or not parts.hostname:
        raise Invalid("The broker's URL must look like mqtt://host:1883.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    credentials = None
    if parts.username:
        credentials = Credentials(unquote(parts.username), unquote(parts.password or ""))
    return f"mqtt://{host}:{port}", credentials


def _find_start_ms(ledger: Ledger | None, clock: Clock) -> int:
    """When the ledger's fleet was new; now, on the minute, for a new one."""
    rows = ledger.read() if ledger is not None else ()
    planned = (row.at_ms for row in rows if row.act is Act.PLAN)
    return next(planned, to_ms(clock.now()) // 60_000 * 60_000)


def _make_clock(ledger: Ledger | None, speed: float) -> Clock:
    """Goes on from the time that the ledger's fleet reached, which never goes back."""
    now = SystemClock().now()
    time = ledger.read_time() if ledger is not None else None
    reached = now if time is None else max(now, from_ms(time.now_ms(to_ms(now))))
    return SystemClock() if speed == 1.0 and reached == now else ScaledClock(reached, speed)
