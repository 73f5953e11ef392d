"""Reads the tickets of a data folder and holds them against its truth ledger."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.provisioning import Device, SourceAssignment
from foundation.clock import to_ms
from foundation.errors import NotFound
from foundation.identity.scope import Scope
from foundation.settings import read_settings
from millwright.simulation.doing import open_ledger, read_now_ms
from millwright.wiring import open_relational
from services.tickets.models import TicketAlarm
from simulators.ledger import Act, Ledger, gather_faults
from simulators.truth import MONTH_MS, Detection, Done, Score, Share, score

FAULT_COLUMNS = ("fault", "found", "n", "recall", "19 in 20", "pending", "median lead, h", "n")
MACHINE_COLUMNS = (
    "machine",
    "right",
    "n",
    "precision",
    "19 in 20",
    "false alarms",
    "asset-months",
    "a month",
)


def score_folder(data: Path) -> Score:
    """The figures of a data folder up to its fleet's time.

    Raises:
        NotFound: when there is no simulation or no platform in it.
        Unavailable: when its database is not this version's.
    """
    ledger = open_ledger(data)
    kinds = {machine.device: machine.kind for machine in ledger.read_roster()}
    detections = read_detections(data, kinds)
    until_ms = read_now_ms(ledger)
    return score(
        list_done(ledger),
        detections,
        asset_months=measure_asset_months(ledger, until_ms),
        until_ms=until_ms,
    )


def list_done(ledger: Ledger) -> list[Done]:
    """What the ledger tells of its machines."""
    faults = gather_faults(ledger.read())
    return [
        Done(machine.device, machine.kind, fault)
        for machine in ledger.read_roster()
        for fault in faults.get(machine.device, ())
    ]


def measure_asset_months(ledger: Ledger, until_ms: int) -> dict[str, float]:
    """Kind of machine → months that its machines were watched, all together."""
    begun = [row.at_ms for row in ledger.read() if row.act is Act.PLAN]
    months = max(until_ms - min(begun), 0) / MONTH_MS if begun else 0.0
    counted = Counter(machine.kind for machine in ledger.read_roster())
    return {kind: months * number for kind, number in counted.items()}


def read_detections(data: Path, machines: Mapping[str, str]) -> list[Detection]:
    """The tickets of a data folder that alarms opened or joined; reads only.

    Raises:
        NotFound: when the folder holds no database.
        Unavailable: when it is not this version's.
    """
    path = data / "millwright.db"
    if not path.exists():
        raise NotFound(f"{data} holds no platform whose tickets could be read.")
    settings = read_settings(
        {
            "data_dir": data,
            "database_url": f"sqlite:///{path}",
            "secret_key": secrets.token_urlsafe(48),
        }
    )
    with (
        open_relational(settings, must_be_current=True) as database,
        database.session(Scope.system("score")) as session,
    ):
        return list_detections(session, machines)


def list_detections(session: Session, machines: Mapping[str, str]) -> list[Detection]:
    """The tickets that alarms opened or joined; `machines` is device → kind of those meant."""
    query = (
        select(TicketAlarm.ticket_id, Device.key, TicketAlarm.joined_at)
        .join(SourceAssignment, SourceAssignment.asset_id == TicketAlarm.asset_id)
        .join(Device, Device.id == SourceAssignment.device_id)
        .where(SourceAssignment.to_at.is_(None))
        .order_by(TicketAlarm.joined_at)
    )
    times: dict[tuple[int, str], list[int]] = defaultdict(list)
    for ticket_id, device, joined_at in session.execute(query):
        if device in machines:
            times[ticket_id, device].append(to_ms(joined_at))
    return [
        Detection(device, machines[device], tuple(times_ms))
        for (_, device), times_ms in times.items()
    ]


def tell(found: Score) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Rows of `FAULT_COLUMNS` and of `MACHINE_COLUMNS`; a figure without a count is a dash."""
    faults: list[tuple[str, ...]] = [
        (
            each.name,
            str(each.recall.count),
            str(each.recall.of),
            *_tell_share(each.recall),
            str(each.pending),
            _tell_number(each.median_lead_h, ".1f"),
            str(len(each.leads_h)),
        )
        for each in found.by_fault
    ]
    machines: list[tuple[str, ...]] = [
        (
            each.name,
            str(each.precision.count),
            str(each.precision.of),
            *_tell_share(each.precision),
            str(each.false_alarms),
            f"{each.asset_months:.1f}",
            _tell_number(each.false_alarms_per_asset_month, ".3f"),
        )
        for each in found.by_machine
    ]
    return faults, machines


def _tell_share(share: Share) -> tuple[str, str]:
    if share.value is None or share.interval is None:
        return "-", "-"
    low, high = share.interval
    return f"{share.value:.0%}", f"{low:.0%} to {high:.0%}"


def _tell_number(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)
