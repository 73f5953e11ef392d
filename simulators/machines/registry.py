"""Which kinds of machines can be simulated and which faults each can have; physics is per file."""

from collections.abc import Callable, Mapping

from foundation.errors import Invalid
from simulators.faults import TRAITS, Fault, FaultKind
from simulators.machines import centrifugal_pump, forklift, machining_centre, screw_compressor
from simulators.machines.contract import Machine
from simulators.sensors import Sensor

_MAKERS: Mapping[str, Callable[[int, tuple[Fault, ...]], Machine]] = {
    "screw_compressor": screw_compressor.ScrewCompressor,
    "centrifugal_pump": centrifugal_pump.CentrifugalPump,
    "machining_centre": machining_centre.MachiningCentre,
    "forklift": forklift.Forklift,
}
KINDS = tuple(_MAKERS)
FAULTS_OF: Mapping[str, tuple[FaultKind, ...]] = {
    each: tuple(kind for kind, trait in TRAITS.items() if trait.machine == each) for each in KINDS
}
SENSORS_OF: Mapping[str, Mapping[str, Sensor]] = {
    "screw_compressor": screw_compressor.SENSORS,
    "centrifugal_pump": centrifugal_pump.SENSORS,
    "machining_centre": machining_centre.SENSORS,
    "forklift": forklift.SENSORS,
}


def make_machine(kind: str, seed: int, faults: tuple[Fault, ...] = ()) -> Machine:
    """A machine of the kind, which is the key of its equipment model.

    Raises:
        Invalid: when there is no such kind, or a fault that it cannot have.
    """
    if kind not in _MAKERS:
        raise Invalid(f"There is no simulated machine {kind!r}; there are {', '.join(KINDS)}.")
    foreign = {fault.kind for fault in faults} - set(FAULTS_OF[kind])
    if foreign:
        raise Invalid(f"A {kind} cannot have {', '.join(sorted(foreign))}.")
    return _MAKERS[kind](seed, faults)
