"""The truth of a simulation: what was planned, done to and mended on its machines, row by row.

The simulators alone keep it, and a running fleet reads it again when it has grown: it is also the
way to do something to a machine that runs. The platform never reads it.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from simulators.faults import Fault, FaultKind, Growth

LEDGER_FILE = Path("simulation") / "truth.jsonl"
_ROSTER_FILE = "fleet.json"
_TIME_FILE = "time.json"

_log = structlog.get_logger(__name__)


class Act(StrEnum):
    """What a row tells: a fault of the plan, one that somebody put in, or a repair."""

    PLAN = "plan"
    INJECT = "inject"
    REPAIR = "repair"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done at `at_ms`.

    A repair has no times but `at_ms`; without a kind it mends every fault of the device. The plan
    holds what is to come as well.
    """

    act: Act
    device: str
    kind: FaultKind | None = None
    onset_ms: int | None = None
    full_ms: int | None = None
    growth: Growth = Growth.STEADY
    at_ms: int

    def as_fault(self) -> Fault | None:
        """The fault that begins with this row; None for a repair."""
        if self.act is Act.REPAIR or None in {self.kind, self.onset_ms, self.full_ms}:
            return None
        assert self.kind is not None
        assert self.onset_ms is not None
        assert self.full_ms is not None
        return Fault(self.kind, self.onset_ms, self.full_ms, self.growth)


class Listed(msgspec.Struct, frozen=True):
    """A machine that the ledger is about, for those who have no fleet."""

    device: str
    serial: str
    name: str
    kind: str


class FleetTime(msgspec.Struct, frozen=True):
    """The running fleet's clock: it showed `clock_ms` when the machine's own showed `at_ms`."""

    clock_ms: int
    at_ms: int
    speed: float

    def now_ms(self, at_ms: int) -> int:
        """What it shows when the machine's own shows `at_ms`."""
        return self.clock_ms + int((at_ms - self.at_ms) * self.speed)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The file; any process may append to it at any time.

    Beside it lie which machines there are and how the fleet's time goes.
    """

    path: Path

    @classmethod
    def of_folder(cls, data: Path) -> "Ledger":
        """The ledger of a data folder."""
        return cls(data / LEDGER_FILE)

    @property
    def size(self) -> int:
        """Bytes so far; it has grown when this has."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, *rows: Row) -> None:
        """Adds the rows with one write, so that nobody's rows mix with another's."""
        if not rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # What was cut off by a full disk must not swallow the row behind it.
            _write_whole(handle, text if _ends_with_line(handle) else b"\n" + text)
        finally:
            os.close(handle)

    def read(self) -> tuple[Row, ...]:
        """All rows in the order they were written; a half-written line is left out."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(row for line in lines if (row := _read_row(line)) is not None)

    def write_roster(self, machines: Iterable[Listed]) -> None:
        """Leaves which machines there are."""
        self._leave(_ROSTER_FILE, msgspec.json.encode(list(machines)))

    def read_roster(self) -> list[Listed]:
        """The machines; none where no fleet was made with this ledger."""
        text = self._find(_ROSTER_FILE)
        return [] if text is None else msgspec.json.decode(text, type=list[Listed])

    def write_time(self, time: FleetTime) -> None:
        """Leaves how the fleet's time goes."""
        self._leave(_TIME_FILE, msgspec.json.encode(time))

    def read_time(self) -> FleetTime | None:
        """How the time of the fleet goes that ran last; None before the first."""
        text = self._find(_TIME_FILE)
        return None if text is None else msgspec.json.decode(text, type=FleetTime)

    def _leave(self, name: str, text: bytes) -> None:
        if self._find(name) == text:
            return
        path = self.path.with_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever reads meanwhile sees the old one or the new one.
        fresh = path.with_suffix(f".{os.getpid()}.part")
        fresh.write_bytes(text)
        fresh.replace(path)

    def _find(self, name: str) -> bytes | None:
        try:
            return self.path.with_name(name).read_bytes()
        except FileNotFoundError:
            return None


def _write_whole(handle: int, text: bytes) -> None:
    written = os.write(handle, text)
    if written < len(text):
        raise OSError(f"Only {written} of {len(text)} bytes could be written.")
    os.fsync(handle)


def _ends_with_line(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"


def _read_row(line: bytes) -> Row | None:
    if not line.strip():
        return None
    try:
        return msgspec.json.decode(line, type=Row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        _log.warning("a line of the truth ledger cannot be read", line=line[:80])
        return None


def list_repairs(rows: Iterable[Row], device: str) -> list[Row]:
    """The repairs of one device, earliest first."""
    found = [row for row in rows if row.act is Act.REPAIR and row.device == device]
    return sorted(found, key=lambda row: row.at_ms)


def gather_faults(rows: Iterable[Row]) -> Mapping[str, tuple[Fault, ...]]:
    """Device → its faults by onset, each until the first repair after its onset that mends it."""
    by_device: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_device[row.device].append(row)
    return {device: _gather(device, of_device) for device, of_device in by_device.items()}


def _gather(device: str, rows: list[Row]) -> tuple[Fault, ...]:
    repairs = list_repairs(rows, device)
    begun = [fault for row in rows if (fault := row.as_fault()) is not None]
    faults = [
        Fault(each.kind, each.onset_ms, each.full_ms, each.growth, _find_end(each, repairs))
        for each in begun
    ]
    return tuple(sorted(faults, key=lambda fault: (fault.onset_ms, fault.kind)))


def _find_end(fault: Fault, repairs: list[Row]) -> int | None:
    for repair in repairs:
        if repair.at_ms > fault.onset_ms and repair.kind in {None, fault.kind}:
            return repair.at_ms
    return None
