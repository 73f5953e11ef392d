"""`python -m benchmarks [NAME …]`: runs the benchmarks, or those named, one after the other."""

import importlib
import sys

# The long ones last.
NAMES = ("condition_to_ticket", "demo", "fresh_clone", "suite")


def main(wanted: list[str]) -> None:
    """Runs and shows each; a name that is unknown ends it at once."""
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    for name in wanted or NAMES:
        importlib.import_module(f"benchmarks.{name}").run().show()


if __name__ == "__main__":
    main(sys.argv[1:])
