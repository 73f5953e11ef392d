"""The sizes that fail the build: files, functions, views, folders, tests, templates and styles.

Complexity is ruff's to measure. Each rule is also shown to catch what it forbids.
"""

import ast
import tomllib
from collections import Counter
from itertools import chain

import pytest

from tests.architecture.sources import (
    PACKAGES,
    ROOT,
    body_lines,
    count_lines,
    files_in,
    functions,
    modules,
    tree,
)

ROUTES = {"route", "get", "post", "put", "patch", "delete"}
VIEW_FOLDERS = ("web/portal", "web/api")
SESSION_ACTS = {
    "execute",
    "scalar",
    "scalars",
    "query",
    "get_one",
    "add",
    "add_all",
    "delete",
    "merge",
    "flush",
    "commit",
    "rollback",
    "begin_nested",
}
# A web request, a message of an ingest batch, the run of a job: nothing else catches everything.
BROAD_HANDLERS = ("web/errors.py", "telemetry/ingest.py", "foundation/jobs.py")


def find_long_functions(module: ast.Module, limit: int) -> list[str]:
    return [each.name for each in functions(module) if body_lines(each) > limit]


def find_views(module: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions with a route's decorator, such as `@blueprint.get("/")`."""
    return [each for each in functions(module) if any(map(_is_route, each.decorator_list))]


def _is_route(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in ROUTES


def find_sql(module: ast.Module) -> list[str]:
    """What speaks to the database: names of SQLAlchemy (a type aside), acts on a session."""
    return [
        found
        for node in ast.walk(module)
        for found in (*_imported_from_sqlalchemy(node), *_session_act(node))
    ]


def _imported_from_sqlalchemy(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names if each.name.startswith("sqlalchemy")]
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
        return [each.name for each in node.names if each.name != "Session"]
    return []


def _session_act(node: ast.AST) -> list[str]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return []
    owner = node.func.value
    name = getattr(owner, "id", None) or getattr(owner, "attr", "")
    is_act = name.endswith("session") and node.func.attr in SESSION_ACTS
    return [f"{name}.{node.func.attr}"] if is_act else []


def find_broad_handlers(module: ast.Module) -> list[int]:
    """Lines that catch everything and do not raise it again."""
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node)
    ]


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(getattr(each, "id", "") in {"Exception", "BaseException"} for each in caught)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_no_python_file_is_longer_than_400_lines():
    paths = files_in(*PACKAGES, "tests", "benchmarks", suffix=".py")
    assert [str(path) for path in paths if count_lines(path) > 400] == []


def test_no_function_is_longer_than_40_lines():
    long = {str(path): find_long_functions(tree(path), 40) for path in modules()}
    assert {path: names for path, names in long.items() if names} == {}


def test_no_test_function_is_longer_than_50_lines():
    paths = files_in("tests", suffix=".py")
    long = {str(path): find_long_functions(tree(path), 50) for path in paths}
    assert {path: names for path, names in long.items() if names} == {}


def test_no_folder_holds_more_than_20_modules():
    counted = Counter(str(path.parent) for path in modules() if path.name != "__init__.py")
    assert {folder: number for folder, number in counted.items() if number > 20} == {}


def list_view_modules():
    return [path for path in modules() if str(path).startswith(VIEW_FOLDERS)]


def test_no_view_is_longer_than_25_lines():
    long = [
        f"{path}:{view.name}"
        for path in list_view_modules()
        for view in find_views(tree(path))
        if body_lines(view) > 25
    ]
    assert long == []


def test_no_view_speaks_to_the_database():
    spoken = {str(path): find_sql(tree(path)) for path in list_view_modules()}
    assert {path: names for path, names in spoken.items() if names} == {}


def test_everything_is_caught_in_three_places_only():
    caught = {str(path): len(find_broad_handlers(tree(path))) for path in modules()}
    allowed = dict.fromkeys(BROAD_HANDLERS, 1)
    assert {path: n for path, n in caught.items() if n > allowed.get(path, 0)} == {}


@pytest.mark.parametrize(
    ("folder", "suffix", "limit"),
    [
        ("web/templates", ".html", 250),
        ("web/frontend/src", ".css", 300),
        ("web/frontend/src", ".js", 250),
        ("web/frontend/src", ".mjs", 250),
        ("services", ".html", 250),
        ("services", ".txt", 250),
    ],
)
def test_no_template_style_sheet_or_script_is_too_long(folder, suffix, limit):
    paths = files_in(folder.split("/", 1)[0], suffix=suffix)
    chosen = [path for path in paths if str(path).startswith(folder)]
    assert [str(path) for path in chosen if count_lines(path) > limit] == []


def test_complexity_is_ruffs_and_nobody_opts_out():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert settings["mccabe"]["max-complexity"] <= 8
    ignored = [*settings["ignore"], *chain(*settings["per-file-ignores"].values())]
    assert not {"C", "C9", "C90", "C901"} & set(ignored)
    marked = [path for path in modules() if "C901" in (ROOT / path).read_text()]
    assert marked == []


LONG = "def long():\n" + "    x = 1\n" * 41
SHORT = "def short():\n" + "    x = 1\n" * 40
VIEW = '@blueprint.post("/tickets")\n@needs(1)\ndef view():\n    {}\n'


def test_a_long_function_is_found():
    assert find_long_functions(ast.parse(LONG + SHORT), 40) == ["long"]
    assert find_long_functions(ast.parse(f"class A:\n{_indent(LONG)}"), 40) == ["long"]


def _indent(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


def test_a_view_is_known_by_its_route():
    assert [each.name for each in find_views(ast.parse(VIEW.format("pass")))] == ["view"]
    assert find_views(ast.parse("@cache\ndef helper():\n    pass")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import sqlalchemy as sa",
        "from sqlalchemy import select",
        "from sqlalchemy.orm import Session, joinedload",
        "session.execute(statement)",
        "session.scalars(statement).all()",
        "self.session.commit()",
        "db_session.add(row)",
        "request.session.query(Ticket)",
    ],
)
def test_sql_in_a_view_is_found(line):
    assert find_sql(ast.parse(VIEW.format(line)))


@pytest.mark.parametrize(
    "line",
    [
        "from sqlalchemy.orm import Session",
        "list_tickets(session, limit=5)",
        "tickets.add(one)",
        'session.get("csrf_token")',  # Flask's own session, a cookie
    ],
)
def test_what_is_no_sql_is_let_through(line):
    assert find_sql(ast.parse(VIEW.format(line))) == []


@pytest.mark.parametrize(
    ("handler", "is_broad"),
    [
        ("except:\n    pass", True),
        ("except Exception:\n    log()", True),
        ("except (ValueError, BaseException) as error:\n    log()", True),
        ("except ValueError:\n    pass", False),
        ("except Exception:\n    clean_up()\n    raise", False),
        ("except Exception as error:\n    raise Other from error", True),
    ],
)
def test_a_handler_of_everything_is_found(handler, is_broad):
    assert bool(find_broad_handlers(ast.parse(f"try:\n    act()\n{handler}"))) is is_broad
