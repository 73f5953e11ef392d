"""What the figures were measured on: processor, memory, load, and the versions of what ran."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PARTS = ("duckdb", "flask", "numpy", "paho-mqtt", "sqlalchemy", "waitress")


def describe_machine() -> dict[str, object]:
    """Facts that a later reader needs to compare figures."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _ask_git("rev-parse", "--short", "HEAD"),
        "is_changed_since": bool(_ask_git("status", "--porcelain")),
        "processor": _read_processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {part: version(part) for part in _PARTS},
    }


def read_load() -> list[float]:
    """Processes that want to run, on average over 1, 5 and 15 minutes; ours count as well."""
    return [round(each, 2) for each in os.getloadavg()]


def _read_processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor()


def _ask_git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
