"""Logs: one event is one line whatever it holds, and JSON lines are JSON."""

import json
import subprocess
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from foundation.log import set_up_logs

FORGED = "harmless\r\n2026-03-02T06:00:00Z [info     ] login_ok actor=person:1"
FROM_LIBRARIES = """
import logging
import structlog
from foundation.log import set_up_logs
set_up_logs("json")
structlog.get_logger().info("started", port=8000)
logging.getLogger("somelibrary").warning("connection lost\\nforged line")
"""


@pytest.fixture(autouse=True)
def _restored():
    yield
    structlog.reset_defaults()


@pytest.fixture
def written(capsys):
    """Sets the form up, logs an event and gives back what standard error got."""

    def write(form, event, **fields):
        capsys.readouterr()
        set_up_logs(form)
        structlog.get_logger().info(event, **fields)
        return capsys.readouterr().err

    return write


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("field", ["event", "actor"])
def test_line_breaks_cannot_forge_a_line(written, form, field):
    fields = {"event": "login_refused", "actor": "somebody"} | {field: FORGED}
    text = written(form, fields.pop("event"), **fields)
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "\r" not in text


@given(st.text(), st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_any_event_is_one_line_of_json(written, event, value):
    text = written("json", event, value=value)
    assert text.count("\n") == 1
    assert "\r" not in text
    parsed = json.loads(text)
    assert parsed["level"] == "info"
    assert parsed["timestamp"].endswith("Z")


@given(st.text(), st.text() | st.lists(st.text()))
def test_any_event_is_one_line_for_a_terminal(written, event, value):
    text = written("console", event, value=value)
    assert text.count("\n") == 1
    assert "\r" not in text


def test_an_exception_is_one_line_of_json(capsys):
    set_up_logs("json")
    try:
        int(FORGED)
    except ValueError:
        structlog.get_logger().exception("job_failed", job=7)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "ValueError: invalid literal" in json.loads(text)["exception"]


def test_fields_keep_their_kind_in_json(written):
    parsed = json.loads(written("json", "stored", readings=3, late=True, source=None))
    assert (parsed["readings"], parsed["late"], parsed["source"]) == (3, True, None)


def test_events_below_the_level_are_not_written(written, capsys):
    written("json", "started")
    structlog.get_logger().debug("detail")
    assert capsys.readouterr().err == ""


def test_lines_of_libraries_are_json_too():
    done = subprocess.run(
        [sys.executable, "-c", FROM_LIBRARIES], capture_output=True, text=True, check=True
    )
    parsed = [json.loads(line) for line in done.stderr.splitlines()]
    assert len(parsed) == 2
    assert "connection lost" in parsed[1]["event"]
