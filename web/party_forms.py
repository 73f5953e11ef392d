"""Forms about the parties of a machine: handing it over, and sharing its data."""

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, DateField, IntegerField, SelectField, TextAreaField
from wtforms.validators import Optional

from devices.sharing.models import Purpose
from web.forms import MAX_TEXT, PortalForm, at_most, choice, line, needed, strip
from web.wording.labels import PURPOSES


class TransferForm(PortalForm):
    """A new owner or servicing dealer from a day on."""

    kind = SelectField(
        _("What changes"),
        [needed()],
        choices=[
            choice("owner", _("Its owner")),
            choice("servicing", _("The dealer who serves it")),
        ],
    )
    organisation = line(
        _("Passes to"),
        200,
        help_text=_("The organisation's name as it is entered."),
        list="parties",
    )
    on = DateField(
        _("From"),
        [Optional()],
        description=_("A day past or to come, at midnight on site; empty: now."),
    )
    site = line(
        _("Site of the new owner"), 200, needed=False, help_text=_("Empty: it stays where it is.")
    )


class ParentForm(PortalForm):
    """The dealer that one works under."""

    organisation = line(_("Dealer"), 200, list="dealers")


def _reason() -> TextAreaField:
    return TextAreaField(_("Why"), [Optional(), at_most(MAX_TEXT)], filters=[strip])


class GrantForm(PortalForm):
    """Data that is granted, or asked for."""

    organisation = line(_("Organisation"), 200)
    purpose = SelectField(
        _("Purpose"),
        [needed()],
        choices=[choice(e.value, PURPOSES[e]) for e in Purpose if e != Purpose.EMERGENCY],
    )
    metrics = line(
        _("Values"), 2_000, needed=False, help_text=_("By name, with commas; empty: all of them.")
    )
    covers_story = BooleanField(_("Alarms and tickets as well"))
    machine = IntegerField(
        _("Only the machine of this number"),
        [Optional()],
        description=_("As in the machine's address; empty: all machines."),
    )
    reason = _reason()


class AnswerForm(PortalForm):
    """The answer to a request."""

    answer = SelectField(
        _("Answer"), [needed()], choices=[choice("give", _("Give")), choice("refuse", _("Refuse"))]
    )
    metrics = line(_("Only these values"), 2_000, needed=False)
    reason = _reason()


class LimitForm(PortalForm):
    """A grant narrowed down."""

    metrics = line(_("Only these values"), 2_000, needed=False)
    covers_story = BooleanField(_("Alarms and tickets as well"))


class RevokeForm(PortalForm):
    """A grant taken back."""

    reason = _reason()


class BreakGlassForm(PortalForm):
    """A look at a machine that is not shared."""

    reason = _reason()
    hours = IntegerField(_("For how many hours"), [needed()], default=4)


def read_names(text: str | None) -> list[str]:
    """Names written with commas between them."""
    return [each for part in (text or "").split(",") if (each := part.strip())]
