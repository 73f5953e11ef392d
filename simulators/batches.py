"""Production batches: machines made together share a serial's middle part, and some a weakness."""

from dataclasses import dataclass

from simulators.faults import FaultKind
from simulators.machines.registry import FAULTS_OF

_CODES = ("2405", "2411", "2502")
_WEAK_CODE = "2411"


@dataclass(frozen=True, slots=True)
class Batch:
    """Year and month of making, and the fault that its machines tend to."""

    code: str
    weakness: FaultKind | None = None


def list_batches(kind: str) -> tuple[Batch, ...]:
    """The batches of a kind of machine, oldest first; one of them is weak."""
    weak = FAULTS_OF[kind][-1]
    return tuple(Batch(code, weak if code == _WEAK_CODE else None) for code in _CODES)
