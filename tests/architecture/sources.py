"""The files of the repository as git sees them, and their syntax trees; judged by the tests."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "foundation",
    "devices",
    "telemetry",
    "services",
    "dealers",
    "web",
    "simulators",
    "millwright",
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def list_files() -> tuple[Path, ...]:
    """Every file that is committed or would be, relative to the root."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = {Path(name) for name in done.stdout.split("\0") if name}
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def files_in(*folders: str, suffix: str) -> list[Path]:
    """Files below some top-level folders, without the revisions that Alembic lays out."""
    return [
        path
        for path in list_files()
        if path.parts[0] in folders and path.suffix == suffix and "versions" not in path.parts
    ]


def modules() -> list[Path]:
    """The Python files of the eight packages."""
    return files_in(*PACKAGES, suffix=".py")


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def count_lines(path: Path) -> int:
    return len(read(path).splitlines())


def module_name(path: Path) -> str:
    """The dotted name, of a package for its `__init__.py`."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path), filename=str(path))


def functions(module: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(module) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Lines from the first statement (a docstring is one) to the last."""
    return (function.end_lineno or 0) - function.body[0].lineno + 1
