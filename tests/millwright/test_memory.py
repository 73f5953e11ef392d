"""The collector of a long-lived process: it leaves what start-up made, and still finds cycles."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from millwright.memory import settle_collector

class Knot:
    pass

settle_collector()
assert gc.isenabled() and gc.get_freeze_count() > 0
gone = []
for _ in range(50_000):
    knot = Knot()
    knot.itself = knot
    weakref.finalize(knot, gone.append, None) if len(gone) == 0 else None
assert gone, "nobody looked for cycles"
"""


def test_cycles_are_still_collected_after_it_was_settled():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=30)
