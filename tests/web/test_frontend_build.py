"""The build hook of the front end, and what the bundle that it made must hold."""

import gzip
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "web" / "frontend"
# Packages that build or test and leave nothing in the bundle.
TOOLS = {"axe-core", "esbuild", "topojson-client"}

specification = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
hatch_build = importlib.util.module_from_spec(specification)
specification.loader.exec_module(hatch_build)

# Stand-ins for node and npm: the hook runs them, and what they are does not matter to it.
BUNDLES = """
import pathlib, sys
bundle = pathlib.Path(sys.argv[1])
bundle.mkdir(parents=True)
(bundle / "manifest.json").write_text("{}")
"""
FAILS = "import sys; print('no such entry point'); sys.exit(3)"
INSTALLS = "import pathlib; pathlib.Path('node_modules').mkdir(exist_ok=True)"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small front end in a folder of its own, whose node and npm are Python."""
    sources = tmp_path / "web" / "frontend"
    (sources / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "src/app.js"):
        (sources / name).write_text(name)
    (sources / "build.mjs").write_text(BUNDLES)
    python = [sys.executable]
    monkeypatch.setattr(hatch_build, "find_node", lambda: (python, [*python, "-c", INSTALLS]))
    monkeypatch.delenv(hatch_build.SKIP, raising=False)
    return tmp_path


@pytest.fixture
def frontend(tree):
    return hatch_build.Frontend(tree)


@pytest.fixture(scope="module")
def bundle():
    """The real bundle; a stale one would be tested in place of what the sources say."""
    real = hatch_build.Frontend()
    if not real.is_fresh():
        pytest.fail("The front end is not built: run `python hatch_build.py`.")
    return real.bundle


@pytest.fixture(scope="module")
def manifest(bundle):
    return json.loads((bundle / "manifest.json").read_text())


def test_a_build_makes_the_bundle_fresh(frontend):
    assert not frontend.is_fresh()
    frontend.build()
    assert frontend.is_fresh()


@pytest.mark.parametrize(
    "name", ["package.json", "package-lock.json", "build.mjs", "src/app.js", "src/new/file.css"]
)
def test_a_change_of_any_source_makes_the_bundle_stale(frontend, name):
    frontend.build()
    changed = frontend.sources / name
    changed.parent.mkdir(exist_ok=True)
    changed.write_text("changed")
    assert not frontend.is_fresh()


def test_installed_packages_are_no_source(frontend):
    before = frontend.digest()
    frontend.build()
    assert frontend.digest() == before


def test_a_lost_bundle_is_stale(frontend):
    frontend.build()
    (frontend.bundle / "manifest.json").unlink()
    assert not frontend.is_fresh()


def test_without_sources_there_is_nothing_to_build(tmp_path):
    assert hatch_build.Frontend(tmp_path).is_fresh()


def test_a_failed_build_says_why_and_leaves_the_bundle_standing(frontend):
    frontend.build()
    (frontend.sources / "build.mjs").write_text(FAILS)
    with pytest.raises(RuntimeError, match=r"bundling ended with 3\.(?s:.)*no such entry point"):
        frontend.build()
    assert (frontend.bundle / "manifest.json").is_file()


def test_a_failure_names_the_way_out_and_shows_only_the_end(tmp_path):
    script = "print('x' * 9000); raise SystemExit('the last words')"
    with pytest.raises(RuntimeError, match=r"MILLWRIGHT_SKIP_FRONTEND=1") as fault:
        hatch_build.run("npm ci", [sys.executable, "-c", script], tmp_path)
    assert "the last words" in str(fault.value)
    assert len(str(fault.value)) < hatch_build.TAIL + 300


def test_packages_are_installed_again_only_after_a_change_of_the_lock(frontend):
    frontend.build()
    marker = frontend.packages / ".installed"
    first = marker.read_text()
    (frontend.sources / "src" / "app.js").write_text("changed")
    frontend.build()
    assert marker.read_text() == first
    (frontend.sources / "package-lock.json").write_text("changed")
    frontend.build()
    assert marker.read_text() != first


def test_node_is_asked_for_only_when_something_is_to_be_built(tree, frontend):
    hook = SimpleNamespace(root=str(tree))
    assert hatch_build.FrontendHook.dependencies(hook) == [hatch_build.NODE]
    frontend.build()
    assert hatch_build.FrontendHook.dependencies(hook) == []


def test_the_switch_leaves_the_front_end_out(tree, frontend, monkeypatch):
    monkeypatch.setenv(hatch_build.SKIP, "1")
    hook = SimpleNamespace(root=str(tree))
    assert hatch_build.FrontendHook.dependencies(hook) == []
    hatch_build.FrontendHook.initialize(hook, "standard", {})
    assert not frontend.bundle.exists()


@pytest.mark.parametrize(
    ("value", "skipped"), [("1", True), ("yes", True), ("0", False), ("", False)]
)
def test_what_counts_as_switched_on(monkeypatch, value, skipped):
    monkeypatch.setenv(hatch_build.SKIP, value)
    assert hatch_build.is_skipped() is skipped


def test_the_lock_pins_every_package_and_names_no_registry():
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert all("resolved" not in one for one in packages.values())
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())


def test_direct_dependencies_are_pinned_exactly():
    wanted = json.loads((SOURCES / "package.json").read_text())["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


def test_every_entry_of_the_manifest_is_there(bundle, manifest):
    entries = {"app.js", "charts.js", "site.css", "icons.svg", "favicon.svg", "font.woff2"}
    entries |= {"map.js", "world.json"}
    assert set(manifest) == entries
    named = [entry["file"] for entry in manifest.values()]
    imported = [file for entry in manifest.values() for file in entry["imports"]]
    assert all((bundle / file).is_file() for file in named + imported)


def test_names_carry_a_hash(manifest):
    assert all(re.search(r"-[0-9A-Za-z]{8,}\.", entry["file"]) for entry in manifest.values())


def test_compressed_copies_hold_the_same(bundle):
    copies = list(bundle.glob("*.gz"))
    assert copies
    for copy in copies:
        assert gzip.decompress(copy.read_bytes()) == copy.with_suffix("").read_bytes()
        assert copy.with_suffix(".br").is_file()


@pytest.mark.parametrize(
    ("entry", "limit"),
    [("app.js", 28_000), ("charts.js", 34_000), ("site.css", 70_000), ("map.js", 150_000)],
)
def test_a_first_visit_stays_small(bundle, manifest, entry, limit):
    packed = bundle / (manifest[entry]["file"] + ".br")
    assert packed.stat().st_size < limit


def test_the_style_sheet_needs_nothing_that_the_policy_forbids(bundle, manifest):
    css = (bundle / manifest["site.css"]["file"]).read_text()
    addresses = re.findall(r"url\(\"?([^)\"]+)", css)
    assert addresses
    assert all((bundle / address).is_file() for address in addresses)
    assert "@import" not in css


def test_the_sprite_holds_the_named_icons_and_no_other(bundle, manifest):
    named = json.loads((SOURCES / "src" / "icons.json").read_text())
    sprite = (bundle / manifest["icons.svg"]["file"]).read_text()
    assert re.findall(r'<symbol id="([^"]+)"', sprite) == list(named)


def test_notices_name_every_package_that_was_bundled(bundle):
    notices = (bundle / "THIRD-PARTY-NOTICES.txt").read_text()
    wanted = json.loads((SOURCES / "package.json").read_text())["devDependencies"]
    bundled = [f"{name} {version}" for name, version in wanted.items() if name not in TOOLS]
    assert [name for name in bundled if name not in notices] == []
    assert notices.count("Licence: ") > len(bundled)


def _script_words():
    used = set()
    for script in (SOURCES / "src").rglob("*.js"):
        text = script.read_text()
        used |= set(re.findall(r"(?:word|counted)\(\s*'([a-z0-9.-]+)'", text))
        used |= set(re.findall(r"'(chart\.[a-z-]+)'", text))
    return used


def test_every_word_that_scripts_show_is_written_in_the_templates():
    words = (ROOT / "web" / "templates" / "_macros" / "words.html").read_text()
    written = set(re.findall(r'"([a-z0-9.-]+)": _\(', words))
    stems = {re.sub(r"\.(one|other)$", "", key) for key in written}
    used = _script_words()
    assert used - stems == set()
    computed = {key for key in stems if key.startswith(("live.", "chart.range."))}
    assert stems - used - computed == set()
