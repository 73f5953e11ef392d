"""Doing something to a running fleet through its truth ledger, and reading what was done."""

from datetime import UTC
from pathlib import Path

from foundation.clock import SystemClock, from_ms, to_ms
from foundation.errors import Invalid, NotFound
from simulators.faults import TRAITS, Fault, FaultKind
from simulators.ledger import Act, Ledger, Listed, Row, gather_faults
from simulators.machines.registry import FAULTS_OF

_HOUR_MS = 3_600_000
TRUTH_COLUMNS = ("device", "serial", "name", "fault", "came", "onset", "full", "ended", "state")


def open_ledger(data: Path) -> Ledger:
    """The ledger of a folder that a fleet was made with.

    Raises:
        NotFound: when there is none.
    """
    ledger = Ledger.of_folder(data)
    if not ledger.read_roster():
        raise NotFound(
            f"{data} holds no simulation. Start `millwright demo`, or `millwright simulate run "
            "--data`, and name its folder with --data."
        )
    return ledger


def read_now_ms(ledger: Ledger) -> int:
    """The fleet's time; the world's when no fleet has run yet."""
    now_ms = to_ms(SystemClock().now())
    time = ledger.read_time()
    return now_ms if time is None else time.now_ms(now_ms)


def inject(data: Path, asset: str, fault: str, growth_hours: float | None) -> str:
    """Puts the fault in from now on; returns what was done in words.

    Raises:
        NotFound: when there is no such simulation or machine.
        Invalid: when that kind of machine cannot have the fault.
    """
    ledger = open_ledger(data)
    machine = _find(ledger, asset)
    kind = _read_fault(machine, fault)
    trait, now_ms = TRAITS[kind], read_now_ms(ledger)
    hours = trait.days * 24.0 if growth_hours is None else growth_hours
    row = Row(
        act=Act.INJECT,
        device=machine.device,
        kind=kind,
        onset_ms=now_ms,
        full_ms=now_ms + max(int(hours * _HOUR_MS), 1),
        growth=trait.growth,
        at_ms=now_ms,
    )
    ledger.append(row)
    return f"{machine.name} ({machine.serial}) has {kind} from now on, full in {hours:g} hours."


def repair(data: Path, asset: str, fault: str | None) -> str:
    """Mends the fault, or all of the machine; returns what was done in words.

    Raises:
        NotFound: when there is no such simulation or machine.
        Invalid: when that kind of machine cannot have the fault.
    """
    ledger = open_ledger(data)
    machine = _find(ledger, asset)
    kind = _read_fault(machine, fault) if fault is not None else None
    now_ms = read_now_ms(ledger)
    present = [
        each
        for each in gather_faults(ledger.read()).get(machine.device, ())
        if _name_state(each, now_ms) in {"growing", "full"} and kind in {None, each.kind}
    ]
    if not present:
        return f"Nothing of that is wrong with {machine.name} ({machine.serial})."
    ledger.append(Row(act=Act.REPAIR, device=machine.device, kind=kind, at_ms=now_ms))
    mended = ", ".join(sorted({each.kind.value for each in present}))
    return f"{machine.name} ({machine.serial}) is mended: {mended}."


def _find(ledger: Ledger, asset: str) -> Listed:
    machines = ledger.read_roster()
    for machine in machines:
        if asset in {machine.device, machine.serial}:
            return machine
    examples = ", ".join(f"{each.serial} ({each.device})" for each in machines[:5])
    raise NotFound(
        f"There is no simulated machine {asset!r} here; there are {examples} and so on."
    )


def _read_fault(machine: Listed, fault: str) -> FaultKind:
    possible = FAULTS_OF[machine.kind]
    for kind in possible:
        if kind.value == fault:
            return kind
    listed = ", ".join(possible)
    raise Invalid(f"{machine.serial} is a {machine.kind} and cannot have {fault!r}; try {listed}.")


def list_truth(data: Path, *, with_plan: bool) -> list[tuple[str, ...]]:
    """A row of `TRUTH_COLUMNS` for each fault that has begun, or with the plan for each, by onset.

    Raises:
        NotFound: when there is no simulation in the folder.
    """
    ledger = open_ledger(data)
    rows, now_ms = ledger.read(), read_now_ms(ledger)
    machines = {machine.device: machine for machine in ledger.read_roster()}
    injected = {(row.device, row.kind, row.onset_ms) for row in rows if row.act is Act.INJECT}
    faults = [
        (fault, machines[device])
        for device, of_device in gather_faults(rows).items()
        for fault in of_device
        if device in machines and (with_plan or fault.onset_ms <= now_ms)
    ]
    faults.sort(key=lambda pair: (pair[0].onset_ms, pair[1].device))
    return [
        _describe(
            fault,
            machine,
            "injected" if (machine.device, fault.kind, fault.onset_ms) in injected else "planned",
            now_ms,
        )
        for fault, machine in faults
    ]


def _describe(fault: Fault, machine: Listed, came: str, now_ms: int) -> tuple[str, ...]:
    ended_ms = fault.cleared_ms
    # An owner's repair that is planned for later has not happened.
    ended = "" if ended_ms is None or ended_ms > now_ms else _tell_time(ended_ms)
    return (
        machine.device,
        machine.serial,
        machine.name,
        fault.kind.value,
        came,
        _tell_time(fault.onset_ms),
        _tell_time(fault.full_ms),
        ended,
        _name_state(fault, now_ms),
    )


def _name_state(fault: Fault, now_ms: int) -> str:
    if fault.onset_ms > now_ms:
        return "to come"
    if fault.cleared_ms is not None and fault.cleared_ms <= now_ms:
        return "mended"
    return "full" if fault.full_ms <= now_ms else "growing"


def _tell_time(at_ms: int) -> str:
    return from_ms(at_ms).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
