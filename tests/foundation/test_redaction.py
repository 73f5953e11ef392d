"""Nothing secret and nothing that forges a line is written down, whatever its place."""

import io
import json
import sys
import unicodedata

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from foundation.log import set_up_logs
from foundation.redaction import HIDDEN, Redaction

WORD = "correct-horse-battery-7"


def fail(message):
    raise ValueError(message)


@pytest.fixture(autouse=True)
def _restored():
    yield
    structlog.reset_defaults()


@pytest.fixture
def written(monkeypatch):
    def write(form, event, *, secrets=(), **fields):
        monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
        set_up_logs(form, secrets=secrets)
        structlog.get_logger().info(event, **fields)
        return stream.getvalue()

    return write


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "fields",
    [
        {"password": WORD},
        {"new_password": WORD},
        {"api_token": WORD},
        {"Authorization": f"Bearer {WORD}"},
        {"headers": {"Cookie": f"mw_session={WORD}"}},
        {"headers": [{"X-CSRF-Token": WORD}]},
        {"url": f"mqtt://ingest:{WORD}@127.0.0.1:1883"},
        {"url": f"postgresql+psycopg://mw:{WORD}@db/mw"},
        {"said": f"refused: Authorization: Bearer {WORD}"},
        {"path": f"/claim?token={WORD}&x=1"},
        {"said": f'{{"password": "{WORD}"}}'},
        {"error": ValueError(f"secret={WORD}")},
        {"tokens": [WORD]},
        {"credential": WORD.encode()},
    ],
    ids=str,
)
def test_a_secret_is_hidden_by_its_name_or_its_form(written, form, fields):
    text = written(form, "happened", **fields)
    assert WORD not in text
    assert HIDDEN in text


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_known_secret_is_hidden_wherever_it_stands(written, form):
    text = written(form, f"tried {WORD}", secrets=[WORD], note={"a": [f"x{WORD}y"]}, b=WORD)
    assert WORD not in text


def test_what_is_no_secret_stays(written):
    said = {"path": "/machines?q=pump", "status": 404, "why": "No key fits.", "token_count": 3}
    assert json.loads(written("json", "refused", **said)).items() >= said.items()


def test_a_secret_in_a_trace_is_hidden(written, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    set_up_logs("json", secrets=[WORD])
    try:
        fail(WORD)
    except ValueError:
        structlog.get_logger().exception("fault")
    assert WORD not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_a_trace_cannot_forge_a_line_for_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    set_up_logs("console")
    try:
        fail("x\n2026-03-02T06:00:00Z [info] login_ok actor=person:1")
    except ValueError:
        structlog.get_logger().exception("fault")
    first, *others = stream.getvalue().splitlines()
    assert "fault" in first
    assert all(line.startswith("  | ") for line in others if line)


@pytest.mark.parametrize("form", ["json", "console"])
@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp"])))
def test_no_control_character_reaches_a_terminal(written, form, text):
    line = written(form, "got", value=text, inner=[text]).rstrip("\n")
    assert [each for each in line if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp")] == []


def test_a_short_secret_hides_no_common_words():
    assert Redaction(["", "on"]).clean_text("on and on") == "on and on"
