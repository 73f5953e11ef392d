"""The close-out's form: the likely answers first, and one question for each alarm."""

from collections.abc import Mapping
from typing import Any

from wtforms import RadioField

from telemetry.verdicts import VerdictKind
from web.forms import CloseOutForm, choice
from web.pages.ticket import TicketPage
from web.wording import labels
from web.wording.translate import gettext as _

_PREFIX = "verdict_"


def build_close_out_form(
    page: TicketPage, formdata: Mapping[str, Any] | None = None
) -> CloseOutForm:
    """The form for a ticket: its likely cause stands first in each question, chosen is nothing."""
    fields = {f"{_PREFIX}{finding.alarm.id}": _verdict(finding.title) for finding in page.findings}
    form: CloseOutForm = type("TicketCloseOutForm", (CloseOutForm,), fields)(formdata)
    likely = page.detail.likely_cause
    form.failure_mode.choices = _ordered(
        labels.FAILURE_MODES, likely.failure_mode if likely else ""
    )
    form.failure_cause.choices = _ordered(labels.FAILURE_CAUSES, likely.cause if likely else "")
    return form


def read_verdicts(form: CloseOutForm) -> dict[int, str]:
    """The verdicts that were given, by alarm id."""
    given = {name: value for name, value in form.data.items() if name.startswith(_PREFIX)}
    return {int(name.removeprefix(_PREFIX)): str(value) for name, value in given.items() if value}


def _verdict(title: str) -> RadioField:
    choices = [choice(kind.value, labels.VERDICTS[kind]) for kind in VerdictKind]
    question = _("3. Was the alarm right: “%(title)s”?", title=title)
    return RadioField(question, choices=choices, validate_choice=False)


def _ordered(words: Mapping[str, Any], likely: str) -> list[Any]:
    ordered = sorted(words, key=lambda code: code != likely)
    return [choice(str(code), words[code]) for code in ordered]
