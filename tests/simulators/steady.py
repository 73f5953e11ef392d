"""Machines under constant conditions, for tests of their physics."""

import numpy as np

from simulators.environment import Surroundings
from simulators.faults import Fault
from simulators.machines.registry import make_machine

START_MS = 1_772_409_600_000  # a Monday, 2 March 2026
_AGES_MS = 10**15


def stand_at(kind, severity=1.0):
    """A fault that stands at about that severity for years."""
    begin_ms = START_MS - int(severity * _AGES_MS)
    return Fault(kind, begin_ms, begin_ms + _AGES_MS)


def run_steady(kind, *faults, demand=0.7, ambient_c=20.0, hours=48, step_s=60, seed=1):
    """What the machine reports in the second half of so many hours of work without a break."""
    times_ms = START_MS + np.arange(int(hours * 3600 / step_s), dtype=np.int64) * step_s * 1000
    shape = times_ms.shape
    around = Surroundings(
        np.full(shape, ambient_c), np.full(shape, demand), np.ones(shape, dtype=np.bool_)
    )
    reported = make_machine(kind, seed, faults).simulate(times_ms, around)
    return {name: values[len(values) // 2 :] for name, values in reported.items()}


def pick(reported, name, state):
    """The values of a metric while the machine is in that state."""
    return reported[name][reported["running_state"] == state]
