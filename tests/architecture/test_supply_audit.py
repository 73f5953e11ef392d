"""The audit of dependencies: what it means, and that an audit of nothing never passes."""

import importlib.util
import json
import sys

import pytest

from tests.architecture.sources import ROOT


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit_of_parts", ROOT / "deploy/audit.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def pip(*found):
    return json.dumps({"dependencies": list(found), "fixes": []})


SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
FAULTY = {"name": "flask", "version": "3.1.0", "vulns": [{"id": "CVE-2025-47278"}]}
SKIPPED = {"name": "flask", "skip_reason": "not on PyPI"}


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (pip(SOUND), "passed"),
        (pip(FAULTY), "failed"),
        (pip(), "not run"),
        (pip(SOUND, SKIPPED), "not run"),
        (pip(SKIPPED), "not run"),
        ("", "not run"),
        ("ConnectionError", "not run"),
        ("[]", "not run"),
    ],
)
def test_an_audit_of_python_packages_passes_only_when_all_were_audited(audit, said, outcome):
    assert audit.judge_pip(said).outcome == outcome


def npm(total, high=0, critical=0):
    faults = {"high": high, "critical": critical, "low": 9}
    return json.dumps({"metadata": {"dependencies": {"total": total}, "vulnerabilities": faults}})


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (npm(40), "passed"),
        (npm(40, high=1), "failed"),
        (npm(40, critical=1), "failed"),
        (npm(0), "not run"),
        ('{"message": "request failed", "error": {"code": "ENOAUDIT"}}', "not run"),
        ("", "not run"),
    ],
)
def test_an_audit_of_npm_packages_passes_only_when_they_were_audited(audit, said, outcome):
    assert audit.judge_npm(said).outcome == outcome


def test_every_package_has_a_licence_that_we_allow(audit):
    packages = [*audit.list_python(), *audit.list_npm(audit.FRONTEND / "package-lock.json")]
    verdict = audit.judge_licences(packages)
    assert verdict.outcome == "passed", verdict.why


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0", "Proprietary", "unknown", ""])
def test_a_licence_that_is_not_on_the_list_is_found(audit, licence):
    package = audit.Package("pypi", "left", "1", licence)
    assert audit.judge_licences([package]).outcome == "failed"


def test_the_list_of_parts_names_python_and_npm_packages(audit):
    packages = [*audit.list_python(), *audit.list_npm(audit.FRONTEND / "package-lock.json")]
    bill = audit.make_bill(packages)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    refs = [part["purl"] for part in bill["components"]]
    assert any(ref.startswith("pkg:pypi/flask@") for ref in refs)
    assert any(ref.startswith("pkg:npm/%40tabler/core@") for ref in refs)
    assert len(refs) == len(packages)


def test_without_a_source_of_advisories_the_whole_fails(audit, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(audit, "run", lambda *_: "")
    monkeypatch.setattr(audit, "BILL", audit.ROOT / ".venv" / "sbom.test.json")
    assert audit.main() == 1
    assert capsys.readouterr().out.count("not run") == 2
    audit.BILL.unlink()
