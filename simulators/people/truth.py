"""What somebody sees who stands at a machine: its faults as they are, and mending them."""

from datetime import datetime, timedelta

import numpy as np

from foundation.clock import to_ms
from simulators.faults import Fault, FaultKind
from simulators.ledger import Act, Ledger, Row, gather_faults, list_repairs


class Truth:
    """The truth ledger as people at the machines read and change it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._read_bytes = -1
        self._faults: dict[str, tuple[Fault, ...]] = {}
        self._rows: tuple[Row, ...] = ()

    def find_faults(self, device: str, now: datetime, *, at_least: float) -> list[FaultKind]:
        """The kinds of fault that are that severe now, the worst first."""
        self._read()
        times_ms = np.array([to_ms(now)], dtype=np.int64)
        severity = {
            fault.kind: float(fault.measure_severity(times_ms)[0])
            for fault in self._faults.get(device, ())
        }
        found = [kind for kind, each in severity.items() if each > at_least]
        return sorted(found, key=lambda kind: (-severity[kind], kind))

    def repair(self, device: str, kind: FaultKind, now: datetime) -> None:
        """Mends a fault; the machine reports so from its next stretch on."""
        self._ledger.append(Row(act=Act.REPAIR, device=device, kind=kind, at_ms=to_ms(now)))

    def find_repaired(self, device: str, now: datetime, within: timedelta) -> list[FaultKind]:
        """What was mended on a machine lately, the last first."""
        self._read()
        since_ms, now_ms = to_ms(now - within), to_ms(now)
        return [
            row.kind
            for row in reversed(list_repairs(self._rows, device))
            if row.kind is not None and since_ms <= row.at_ms <= now_ms
        ]

    def _read(self) -> None:
        size = self._ledger.size
        if size != self._read_bytes:
            self._read_bytes = size
            self._rows = self._ledger.read()
            self._faults = dict(gather_faults(self._rows))
