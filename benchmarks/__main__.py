"""Runs the benchmarks one after the other; prints a table and leaves a JSON file of it.

python -m benchmarks [--only NAME] [--demo-data DIR] [--fresh]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    condition_to_ticket,
    demo_start,
    fleet_pages,
    fresh_clone,
    ground_truth,
    ingest,
    judging,
    pages,
    soak,
    suite,
)
from benchmarks.figures import Figure
from benchmarks.machine import describe_machine, read_load
from benchmarks.options import RESULTS, Options
from tests.e2e.served import NotStarted

BENCHMARKS: dict[str, Callable[[Options], list[Figure]]] = {
    "ingest": ingest.measure,
    "judging": judging.measure,
    "condition_to_ticket": condition_to_ticket.measure,
    "demo_start": demo_start.measure,
    "pages": pages.measure,
    "fleet_pages": fleet_pages.measure,
    "ground_truth": ground_truth.measure,
    "soak": soak.measure,
    "suite": suite.measure,
    "fresh_clone": fresh_clone.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when everything could be measured, whatever the marks."""
    given = _read_arguments(arguments)
    machine = describe_machine()
    print(_tell_machine(machine))
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="millwright-bench-") as work:
        options = Options(Path(work), given.demo_data.absolute())
        for name in _choose(given):
            result = _run(name, options)
            found.append(result)
            _save(machine, found)
    return int(any("failed" in each for each in found))


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="the same")
    parser.add_argument(
        "--demo-data",
        type=Path,
        default=RESULTS / "demo-data",
        help="data folder of a demo for the pages; made when missing",
    )
    parser.add_argument("--fresh", action="store_true", help="also make demo in a fresh clone")
    given = parser.parse_args(arguments)
    if unknown := {*given.names, *given.only} - BENCHMARKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(BENCHMARKS)}")
    return given


def _choose(given: argparse.Namespace) -> list[str]:
    named = {*given.names, *given.only} or {*BENCHMARKS} - {"fresh_clone"}
    if given.fresh:
        named.add("fresh_clone")
    return [name for name in BENCHMARKS if name in named]


def _tell_machine(machine: dict[str, object]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_mb']} MB, "
        f"Python {machine['python']}, commit {machine['commit']}"
        f"{' and changes' if machine['is_changed_since'] else ''}"
    )


def _run(name: str, options: Options) -> dict[str, object]:
    before = read_load()
    result: dict[str, object] = {"benchmark": name, "load_before": before}
    try:
        figures = BENCHMARKS[name](options)
    except NotStarted as error:
        print(f"\n{name} could not be measured: {error}")
        return result | {"failed": str(error)}
    after = read_load()
    print(f"\n{name} (load {before[0]:g} before, {after[0]:g} after)")
    print(f"  {'':50} {'n':>4} {'p50':>8} {'p95':>8} {'lowest':>8} {'highest':>8}")
    for each in figures:
        print(_tell_figure(each))
    return result | {"load_after": after, "figures": [each.as_json() for each in figures]}


def _tell_figure(each: Figure) -> str:
    name = f"{each.name}, {each.unit}" if each.unit else each.name
    numbers = (each.p50, each.p95, each.lowest, each.highest)
    shown = " ".join(f"{number:8.3g}" for number in numbers)
    line = f"  {name:50} {len(each.values):4} {shown}  {each.judge()}".rstrip()
    return f"{line}\n    {each.note}" if each.note else line


def _save(machine: dict[str, object], found: list[dict[str, object]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    stamp = str(machine["at"]).replace(":", "").replace("-", "")[:15]
    path = RESULTS / f"{stamp}.json"
    tree = {"machine": machine, "benchmarks": found}
    path.write_text(json.dumps(tree, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
