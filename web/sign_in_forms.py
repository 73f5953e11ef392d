"""The forms of signing in: passwords, codes, passkeys, providers, tokens, invitations."""

from flask_babel import lazy_gettext as _
from wtforms import (
    BooleanField,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Optional

from foundation.identity.api_tokens import ApiScope
from foundation.identity.passwords import MIN_LENGTH
from web.forms import MAX_TEXT, PortalForm, at_most, choice, line, needed


class SignInForm(PortalForm):
    """E-mail address and password; where to go afterwards."""

    email = line(_("E-mail"), 254, autocomplete="username", inputmode="email")
    password = PasswordField(
        _("Password"), [needed(), at_most(200)], render_kw={"autocomplete": "current-password"}
    )
    next = HiddenField(validators=[Optional(), at_most(2_000)])


class PasswordForm(PortalForm):
    """A change of one's own password."""

    present = PasswordField(
        _("Present password"),
        [needed(), at_most(200)],
        render_kw={"autocomplete": "current-password"},
    )
    password = PasswordField(
        _("New password"),
        [needed(), at_most(200)],
        description=_("At least %(min)d characters.", min=MIN_LENGTH),
        render_kw={"autocomplete": "new-password"},
    )
    end_others = BooleanField(_("End my other sessions"), default=True)


def _code(*, is_needed: bool = True) -> StringField:
    return line(
        _("Code"), 40, needed=is_needed, autocomplete="one-time-code", autocapitalize="none"
    )


class CodeForm(PortalForm):
    """A code from the phone, or a recovery code."""

    code = _code()
    next = HiddenField(validators=[Optional(), at_most(2_000)])


class PasskeyForm(PortalForm):
    """What the browser said of a passkey, and what its owner calls it."""

    credential = HiddenField(validators=[needed(), at_most(20_000)])
    name = line(_("Name"), 60, needed=False, help_text=_("Such as “Phone” or “Work laptop”."))
    next = HiddenField(validators=[Optional(), at_most(2_000)])


class OrganisationSignInForm(PortalForm):
    """Whose provider to go to."""

    email = line(_("E-mail"), 254, autocomplete="username", inputmode="email")
    next = HiddenField(validators=[Optional(), at_most(2_000)])


class ProviderForm(PortalForm):
    """The identity provider of an organisation."""

    issuer = line(_("Address of the provider"), 400, help_text=_("Its issuer, with https://."))
    client_id = line(_("Client id"), 200, autocomplete="off")
    client_secret = PasswordField(
        _("Client secret"),
        [Optional(), at_most(400)],
        description=_("Leave it empty to keep the present one."),
        render_kw={"autocomplete": "off"},
    )
    domain = line(_("Domain of your e-mail addresses"), 200, help_text=_("Such as example.com."))
    group_claim = line(_("Claim that holds the groups"), 60, needed=False)
    roles = TextAreaField(
        _("Roles of groups"),
        [needed(), at_most(MAX_TEXT)],
        description=_("One a line, such as service-team = technician."),
    )


class TokenForm(PortalForm):
    """A token for a script."""

    name = line(_("Name"), 60, help_text=_("Which script it is for."))
    scopes = SelectMultipleField(
        _("What for"),
        [needed()],
        choices=[
            choice(ApiScope.ASSETS, _("Machines")),
            choice(ApiScope.READINGS, _("Readings")),
            choice(ApiScope.TICKETS, _("Tickets")),
        ],
    )
    days = SelectField(
        _("Lives for"),
        choices=[
            choice("30", _("30 days")),
            choice("90", _("90 days")),
            choice("365", _("A year")),
        ],
        default="90",
    )


class ConfirmForm(PortalForm):
    """Showing once more who one is."""

    password = PasswordField(
        _("Password"), [needed(), at_most(200)], render_kw={"autocomplete": "current-password"}
    )
    code = _code(is_needed=False)
    next = HiddenField(validators=[Optional(), at_most(2_000)])


class InvitationForm(PortalForm):
    """Who is invited, and as what."""

    email = line(_("E-mail"), 254, inputmode="email", autocomplete="off")
    role = SelectField(_("Role"), [needed()])


class AcceptForm(PortalForm):
    """Accepting an invitation: a new account's name, and a password."""

    token = HiddenField(validators=[needed(), at_most(200)])
    name = line(_("Name"), 200, needed=False, autocomplete="name")
    password = PasswordField(_("Password"), [needed(), at_most(200)])
