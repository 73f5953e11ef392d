"""The forms of the portal: their fields, limits and labels, and how a refusal lands on a field.

What a value must be beyond its shape is decided by the package that stores it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from flask import request
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import CombinedMultiDict
from wtforms import (
    BooleanField,
    DateField,
    Field,
    FileField,
    FloatField,
    Form,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, Optional

from foundation.errors import Conflict, Forbidden, Invalid, MillwrightError, NotFound
from foundation.identity.passwords import MIN_LENGTH
from foundation.units import list_units, symbol
from services.offers.refusals import OfferRefused, WordingRefused
from services.tickets.refusals import EntryRefused, MoveRefused
from web import words
from web.request_scope import give_up
from web.wording.translate import say_refusal

MAX_TEXT = 4_000
MAX_DEFINITION = 400_000
_Made = TypeVar("_Made")
_REFUSALS = (Invalid, Conflict, Forbidden, NotFound)


def choice(value: str, label: Any) -> Any:
    """One option of a choice: what is sent, and what people read."""
    return SelectChoice(value, label)


def _needed() -> InputRequired:
    return InputRequired(_("This is needed."))


def _at_most(limit: int) -> Length:
    return Length(max=limit, message=_("At most %(max)d characters."))


def _strip(value: str | None) -> str:
    return (value or "").strip()


def _line(
    label: Any, limit: int, *, needed: bool = True, help_text: Any = "", **attributes: str
) -> StringField:
    presence = _needed() if needed else Optional()
    checks: list[Any] = [presence, _at_most(limit)]
    return StringField(
        label, checks, filters=[_strip], description=help_text, render_kw=attributes
    )


# For the modules that hold the forms of one area.
line, needed, at_most, strip = _line, _needed, _at_most, _strip

_WORDS_OF_LIBRARY = {
    "Not a valid choice.": _("Choose one of the list."),
    "Not a valid float value.": _("Write a number, such as 0.5."),
    "Not a valid date value.": _("Write a date, such as 2026-05-31."),
}


class _Words:
    """Puts the library's few own sentences into ours."""

    def gettext(self, text: str) -> str:
        return str(_WORDS_OF_LIBRARY.get(text, text))

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


class PortalForm(Form):
    """A form whose faults are told in our words."""

    class Meta:
        def get_translations(self, form: Form) -> _Words:
            del form
            return _Words()


class NumberField(FloatField):
    """A number, shown without digits that say nothing."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else repr(self.data).removesuffix(".0")


class ReportForm(PortalForm):
    """A problem as a person sees it; everything may be left out."""

    text = TextAreaField(
        _("What do you notice?"),
        [Optional(), _at_most(MAX_TEXT)],
        filters=[_strip],
        description=_("A few words are enough. You may also send it without any."),
    )
    is_stopped = BooleanField(_("The machine stands still"))


class PlaceForm(PortalForm):
    """Where a site is, and whom to call there."""

    address = _line(_("Address of the site"), 400, needed=False, autocomplete="off")
    country = _line(
        _("Country"), 2, needed=False, help_text=_("Two letters, such as DE."), autocomplete="off"
    )
    latitude = NumberField(
        _("Latitude"),
        [Optional()],
        description=_("Degrees north, such as 53.55; the map needs it."),
    )
    longitude = NumberField(
        _("Longitude"), [Optional()], description=_("Degrees east, such as 9.99.")
    )
    telephone = _line(
        _("Telephone on site"), 40, needed=False, help_text=_("Such as +49 40 123456.")
    )


class SiteForm(PlaceForm):
    """A customer's site."""

    site = _line(_("Name"), 200)
    time_zone = _line(_("Time zone"), 60, help_text=_("Such as Europe/Berlin."))


class AssetForm(PlaceForm):
    """A machine of the installed base."""

    equipment_model = SelectField(_("Equipment model"), [_needed()])
    serial = _line(_("Serial number"), 100)
    name = _line(
        _("Name"),
        200,
        needed=False,
        help_text=_("How people call it, such as “Compressor, line 2”."),
    )
    customer = SelectField(_("Customer"), [_needed()])
    dealer = SelectField(_("Dealer who serves it"), [_needed()])
    site = _line(_("Site"), 200, help_text=_("A new name makes a new site."), list="sites")
    time_zone = _line(
        _("Time zone of a new site"), 60, needed=False, help_text=_("Such as Europe/Berlin.")
    )
    device = _line(
        _("Device key"),
        64,
        needed=False,
        help_text=_("The name in its topic: mw/v1/KEY/telemetry."),
    )
    commissioned_on = DateField(_("Commissioned on"), [Optional()])
    is_critical = BooleanField(_("Its owner cannot do without it"))


class OrganisationForm(PortalForm):
    """A dealer or a customer."""

    kind = SelectField(
        _("Kind"),
        [_needed()],
        choices=[choice("dealer", _("Dealer")), choice("customer", _("Customer"))],
    )
    name = _line(_("Name"), 200)
    time_zone = _line(_("Time zone"), 60, help_text=_("Such as Europe/Berlin."))


class PersonForm(PortalForm):
    """A person of one's own organisation."""

    name = _line(_("Name"), 200)
    email = _line(_("E-mail"), 254)
    role = SelectField(_("Role"), [_needed()])
    password = PasswordField(
        _("First password"),
        [Optional(), _at_most(200)],
        description=_(
            "At least %(min)d characters. Without one nobody can sign in.", min=MIN_LENGTH
        ),
    )


class UploadForm(PortalForm):
    """A file of many rows."""

    file = FileField(_("CSV file"), description=_("UTF-8, with a header line."))


class DefinitionForm(PortalForm):
    """An equipment model as TOML, as a file or as text."""

    file = FileField(_("TOML file"))
    text = TextAreaField(_("Definition as TOML"), [Optional(), _at_most(MAX_DEFINITION)])


class SignalForm(PortalForm):
    """How a source's own signal becomes a metric."""

    signal = _line(_("Signal, as the source names it"), 100)
    metric = SelectField(_("Metric"), [_needed()])
    unit = SelectField(_("Unit that the source sends"), [_needed()])
    scale = NumberField(_("Factor"), [_needed()], default=1.0)
    offset = NumberField(_("Added afterwards"), [_needed()], default=0.0)
    device_key = _line(
        _("Only for this device"), 64, needed=False, help_text=_("Empty: for all devices.")
    )


class OfferRuleForm(PortalForm):
    """When which machine of a model is offered what."""

    key = _line(_("Key"), 63, help_text=_("Lower-case letters, digits and _; it never changes."))
    equipment_model = SelectField(_("Equipment model"), [_needed()])
    kind = SelectField(_("Kind"), [_needed()])
    title = _line(_("Title of the offer"), 200)
    description = TextAreaField(
        _("What is offered"), [_needed(), _at_most(MAX_TEXT)], filters=[_strip]
    )
    price = _line(_("Price"), 20, inputmode="decimal")
    dealer_cost = _line(_("The dealer's cost"), 20, inputmode="decimal")
    currency = _line(_("Currency"), 3, help_text=_("Such as EUR."))
    price_range_percent = NumberField(
        _("The dealer may move the price by, in %"), [_needed()], default=20
    )
    longest_payback_years = NumberField(_("Longest pay-back, in years"), [_needed()], default=3.0)
    valid_days = NumberField(_("Stands for, in days"), [_needed()], default=30)
    max_per_quarter = NumberField(_("Offers per customer and quarter"), [_needed()], default=3)
    quiet_days = NumberField(_("Not again for, in days"), [_needed()], default=90)
    control_percent = NumberField(_("Control group, in %"), [_needed()], default=0)
    parameters = TextAreaField(
        _("Parameters"),
        [Optional(), _at_most(MAX_TEXT)],
        description=_("One a line, such as energy_price = 0.22. Metrics can be named as well."),
    )


class RulesForm(PortalForm):
    """Offer rules as TOML, as a file or as text."""

    file = FileField(_("TOML file"))
    text = TextAreaField(_("Rules as TOML"), [Optional(), _at_most(MAX_DEFINITION)])


class CloseOutForm(PortalForm):
    """What it was and why; a verdict on each alarm is added by `with_verdicts`."""

    failure_mode = RadioField(_("1. What was wrong?"), validate_choice=False)
    failure_cause = RadioField(_("2. Where did it come from?"), validate_choice=False)
    note = TextAreaField(_("Note"), [Optional(), _at_most(MAX_TEXT)], filters=[_strip])


def list_unit_choices() -> list[Any]:
    """Every unit we know, by its code, as people write it."""
    return [choice(code, symbol(code) or code) for code in list_units()]


def submitted() -> Any:
    """The fields and files of this request."""
    return CombinedMultiDict([request.files, request.form])


def read_upload(field: FileField) -> bytes:
    """The content of an uploaded file.

    Raises:
        Invalid: when none was chosen.
    """
    storage = field.data
    content = storage.read() if hasattr(storage, "read") else b""
    if not content:
        raise Invalid(str(_("Choose a file first.")), field=field.name)
    return bytes(content)


def attempt(form: Form, act: Callable[[], _Made]) -> _Made | None:
    """The result of an act when the form is sound; None when it or the act was refused.

    A refusal takes back what the act had written, and stands beside the field it names, or above
    the form. The view answers 422.
    """
    if not form.validate():
        return None
    try:
        return act()
    except _REFUSALS as error:
        give_up()
        field = getattr(error, "field", None)
        _blame(form, field, list(explain(error)))
        return None


def explain(error: MillwrightError) -> Sequence[str]:
    """What a refusal says: its reasons in words, or its own text."""
    if isinstance(error, EntryRefused | OfferRefused | WordingRefused):
        return words.say_all(error.reasons)
    if isinstance(error, MoveRefused):
        return [words.say(error.reason)]
    return [say_refusal(error)]


def _blame(form: Form, name: str | None, sentences: Iterable[str]) -> None:
    field: Field | None = form._fields.get(name) if name else None
    for sentence in sentences:
        if field is None:
            form.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
