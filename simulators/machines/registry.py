"""Every kind of simulated machine by its name, which is the key of its equipment model."""

from collections.abc import Callable, Mapping

from simulators.faults import Fault, FaultKind
from simulators.machines.contract import Machine
from simulators.machines.screw_compressor import ScrewCompressor

_MAKERS: Mapping[str, Callable[[int, tuple[Fault, ...]], Machine]] = {
    "screw_compressor": ScrewCompressor,
}
KINDS: tuple[str, ...] = tuple(_MAKERS)
FAULTS_OF: Mapping[str, tuple[FaultKind, ...]] = {
    "screw_compressor": (
        FaultKind.OIL_COOLER_CLOGGING,
        FaultKind.SEPARATOR_CLOGGING,
        FaultKind.INLET_FILTER_CLOGGING,
        FaultKind.BEARING_WEAR,
    ),
}


def make_machine(kind: str, seed: int, faults: tuple[Fault, ...]) -> Machine:
    """A new machine of that kind."""
    return _MAKERS[kind](seed, faults)
