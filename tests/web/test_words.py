"""Every code that our rules can give has words, and words keep what they were given."""

import ast
from pathlib import Path

import pytest

from devices.readings import RejectionCode
from foundation.identity.scope import OrganisationKind, Role
from foundation.reasons import Reason
from services.notifications.rules import NoticeKind
from services.tickets import refusals
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.rules import Move, TicketState
from telemetry.alarms.models import Severity
from telemetry.health import MachineState
from telemetry.verdicts import VerdictKind
from web import words
from web.filters import as_text, quantity, zone
from web.wording import labels

ROOT = Path(__file__).parents[2]
PACKAGES = ("devices", "telemetry", "services", "dealers")


@pytest.fixture
def speaking(site):
    """A request, in whose language words are said."""
    with site.app.test_request_context():
        yield


def codes_in_source():
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason":
                    found |= codes_of(node)
    return found


def codes_of(call):
    values = [node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
    return {value for value in values if isinstance(value, str) and " " not in value}


def test_every_reason_that_the_rules_give_has_a_sentence():
    given = {code for code in codes_in_source() if not code.endswith("_")}
    assert len(given) > 40
    # `f"{field}_missing"` and `_too_long` are spelled out by the fields that use them.
    unsaid = {code for code in given if code not in words.SENTENCES and code[0] != "_"}
    assert unsaid == set()


def test_every_refusal_of_a_ticket_has_a_sentence():
    assert set(refusals._SENTENCES) <= set(words.SENTENCES)


@pytest.mark.parametrize("code", sorted(words.SENTENCES))
def test_each_sentence_can_be_said_without_parameters(speaking, code):
    said = words.say(Reason(code))
    assert said
    assert "%(" not in said
    assert "None" not in said


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Role, labels.ROLES),
        (OrganisationKind, labels.ORGANISATION_KINDS),
        (MachineState, labels.MACHINE_STATES),
        (MachineState, labels.CHIPS),
        (Severity, labels.SEVERITIES),
        (Severity, labels.SEVERITY_CHIPS),
        (TicketState, labels.TICKET_STATES),
        (TicketState, labels.TICKET_STATES_FOR_CUSTOMER),
        (TicketState, labels.TICKET_MARKS),
        (Move, labels.MOVES),
        (Move, labels.MOVES_DONE),
        (Move, labels.MOVE_ICONS),
        (VerdictKind, labels.VERDICTS),
        (VerdictKind, labels.VERDICT_ICONS),
        (FailureMode, labels.FAILURE_MODES),
        (FailureCause, labels.FAILURE_CAUSES),
        (NoticeKind, labels.NOTICES),
        (NoticeKind, labels.NOTICE_ICONS),
        (RejectionCode, labels.FAULTS),
    ],
    ids=str,
)
def test_every_code_has_a_label(kind, table):
    assert set(table) == set(kind)


def test_a_crossed_limit_is_told_with_names_units_and_the_sites_time(speaking):
    reason = Reason(
        "limit_crossed",
        {
            "metric": "temperature",
            "direction": "high",
            "value": 91.5123,
            "threshold": 80.0,
            "unit": "°C",
            "since_ms": 1_772_434_800_000,
        },
    )
    said = words.say(reason, words.Context({"temperature": "Bearing"}, zone("Asia/Seoul")))
    assert said == "Bearing was 91.51 °C, above its limit of 80 °C, since Mar 2, 16:00."


def test_an_unknown_code_is_told_as_it_is(speaking):
    assert words.say(Reason("something_new")) == "something new"


def test_the_same_sentence_is_said_once(speaking):
    twice = (Reason("verdict_missing", {"alarm": 1}), Reason("verdict_missing", {"alarm": 2}))
    assert words.say_all(twice) == ["Say for each alarm whether it was right."]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "bar", "–"),
        (7.16384, "bar", "7.164 bar"),
        (12_000, "1", "12,000"),
        (0, "Cel", "0 °C"),
    ],
)
def test_numbers_stand_with_their_unit(speaking, value, unit, said):
    assert quantity(value, unit) == said


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"", ""),
        (b'{"a": 1}\n', '{"a": 1}\n'),
        ("Öl\u202e\u200b".encode(), "Öl\\u202e\\u200b"),
        (b"\x00\xff", "00 ff"),
        (b"a\x00\x1b[31m", "a\\u0000\\u001b[31m"),
        ("é".encode() * 3_000, "é" * 2_048),
    ],
)
def test_payloads_are_shown_as_text_or_in_hexadecimal(payload, shown):
    assert as_text(payload) == shown


def test_an_unknown_zone_is_told_in_utc():
    assert zone("Mars/Olympus").key == "UTC"
    assert zone("../../etc/passwd").key == "UTC"
