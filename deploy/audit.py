"""Audits what Millwright is made of: known faults, licences, and a list of it all (CycloneDX).

A step that could audit nothing says "not run" and fails the whole: silence is no proof.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FRONTEND = ROOT / "web" / "frontend"
BILL = ROOT / ".venv" / "sbom.cdx.json"
# Licences that may be part of Millwright, by words in what a package says of itself.
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser"
    r"|Unlicense|CC0|Zlib|OFL|0BSD|Public Domain|HPND|BlueOak|ZPL",
    re.IGNORECASE,
)
# Programs that look at the sources and are no part of what is shipped.
TOOLS_ONLY = frozenset({"codespell", "djlint"})


class Outcome(StrEnum):
    """How a step ended; only `PASSED` is good."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A step's outcome and why."""

    step: str
    outcome: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class Package:
    """Something that Millwright is built or run with."""

    kind: str  # pypi or npm
    name: str
    version: str
    licence: str

    @property
    def purl(self) -> str:
        return f"pkg:{self.kind}/{self.name.replace('@', '%40')}@{self.version}"


def judge_pip(said: str) -> Verdict:
    """What pip-audit's JSON means; packages that it skipped were not audited."""
    try:
        found = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict("pip-audit", Outcome.NOT_RUN, "no answer from the source of advisories")
    audited = [each for each in found if "skip_reason" not in each]
    skipped = [each["name"] for each in found if "skip_reason" in each]
    if not audited or skipped:
        return Verdict("pip-audit", Outcome.NOT_RUN, f"not audited: {skipped or 'everything'}")
    faulty = [f"{each['name']} {each['version']}" for each in audited if each.get("vulns")]
    outcome = Outcome.FAILED if faulty else Outcome.PASSED
    return Verdict("pip-audit", outcome, ", ".join(faulty) or f"{len(audited)} packages")


def judge_npm(said: str) -> Verdict:
    """What npm audit's JSON means."""
    try:
        found = json.loads(said)["metadata"]
        total, faults = int(found["dependencies"]["total"]), found["vulnerabilities"]
        grave = int(faults["high"]) + int(faults["critical"])
    except (ValueError, KeyError, TypeError):
        return Verdict("npm audit", Outcome.NOT_RUN, "no answer from the source of advisories")
    if not total:
        return Verdict("npm audit", Outcome.NOT_RUN, "no packages were audited")
    outcome = Outcome.FAILED if grave else Outcome.PASSED
    return Verdict("npm audit", outcome, f"{total} packages, {grave} high or critical")


def judge_licences(packages: Sequence[Package]) -> Verdict:
    """Every package says a licence of the list."""
    if not packages:
        return Verdict("licences", Outcome.NOT_RUN, "no packages were found")
    bad = [
        f"{each.name}: {each.licence}"
        for each in packages
        if each.name not in TOOLS_ONLY and not ALLOWED.search(each.licence)
    ]
    outcome = Outcome.FAILED if bad else Outcome.PASSED
    return Verdict("licences", outcome, "; ".join(bad) or f"{len(packages)} packages")


def list_python() -> list[Package]:
    """What is installed beside us."""
    found = {
        each.metadata["Name"].lower(): Package(
            "pypi", each.metadata["Name"].lower(), each.version, _licence(each.metadata)
        )
        for each in metadata.distributions()
        if each.metadata["Name"] and each.metadata["Name"].lower() != "millwright"
    }
    return sorted(found.values(), key=lambda each: each.name)


def _licence(said: Any) -> str:
    classes = [each for each in said.get_all("Classifier") or () if each.startswith("License")]
    short = (said.get("License") or "").strip().split("\n", 1)[0]
    return said.get("License-Expression") or " ".join([*classes, short]).strip() or "unknown"


def list_npm(lock: Path) -> list[Package]:
    """What the front end is built with, from its lock file."""
    entries = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return [
        Package("npm", path.rpartition("node_modules/")[2], each["version"], _text(each))
        for path, each in sorted(entries.items())
        if path
    ]


def _text(entry: dict[str, Any]) -> str:
    return str(entry.get("license", "unknown"))


def make_bill(packages: Iterable[Package]) -> dict[str, Any]:
    """The list of parts in the form of CycloneDX 1.6."""
    parts = [
        {
            "type": "library",
            "name": each.name,
            "version": each.version,
            "purl": each.purl,
            "bom-ref": each.purl,
            "licenses": [{"license": {"name": each.licence}}],
        }
        for each in packages
    ]
    ours = {"type": "application", "name": "millwright", "version": metadata.version("millwright")}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": ours},
        "components": parts,
    }


def run(command: Sequence[str], folder: Path) -> str:
    """What a command prints; it may well end with a code when it finds something."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def main() -> int:
    """Runs every step, tells each verdict, and ends with 0 only when all passed."""
    packages = [*list_python(), *list_npm(FRONTEND / "package-lock.json")]
    pinned = ["-r", "constraints.txt", "--no-deps", "--disable-pip"]
    pip = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    verdicts = [
        judge_pip(run([*pip, *pinned], ROOT)),
        judge_npm(run(["npm", "audit", "--package-lock-only", "--json"], FRONTEND)),
        judge_licences(packages),
    ]
    BILL.write_text(json.dumps(make_bill(packages), indent=1), encoding="utf-8")
    for each in verdicts:
        sys.stdout.write(f"{each.step}: {each.outcome}: {each.why}\n")
    sys.stdout.write(f"list of parts: {len(packages)} in {BILL.relative_to(ROOT)}\n")
    return 0 if all(each.outcome is Outcome.PASSED for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
