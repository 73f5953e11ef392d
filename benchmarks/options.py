"""What a run of the benchmarks was asked for, handed to each of them."""

from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Options:
    """`work` is a folder that is gone after the run; `demo_data` one that stays for the next."""

    work: Path
    demo_data: Path = RESULTS / "demo-data"
