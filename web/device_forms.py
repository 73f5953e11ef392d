"""The forms about devices: their passwords, claim codes, gateways."""

from datetime import timedelta

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from devices.security.claims import Purpose
from web.forms import PortalForm, choice

_NEEDED = InputRequired(_("This is needed."))
_AT_MOST = _("At most %(max)d characters.")
OVERLAPS = {
    "0": timedelta(0),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
LIVES = {"1d": timedelta(days=1), "30d": timedelta(days=30), "365d": timedelta(days=365)}


class DeviceForm(PortalForm):
    """A device by its key."""

    device = StringField(
        _("Device key"),
        [_NEEDED, Length(max=64, message=_AT_MOST)],
        description=_("The name in its topic: mw/v1/KEY/telemetry."),
    )


class CredentialForm(PortalForm):
    """How long the password before holds on."""

    overlap = SelectField(
        _("The old password holds"),
        choices=[
            choice("0", _("not any more")),
            choice("1h", _("for one hour")),
            choice("1d", _("for one day")),
            choice("7d", _("for seven days")),
        ],
        default="0",
    )


class CodeForm(PortalForm):
    """What a code is for and how long it holds."""

    purpose = SelectField(
        _("Whoever has the code"),
        choices=[
            choice(Purpose.MACHINE.value, _("tells which machine the device stands on")),
            choice(Purpose.CREDENTIAL.value, _("is the device and gets its password")),
        ],
    )
    life = SelectField(
        _("It holds"),
        choices=[
            choice("1d", _("for one day")),
            choice("30d", _("for 30 days")),
            choice("365d", _("for one year")),
        ],
        default="1d",
    )


class GatewayForm(PortalForm):
    """Behind which gateway a device stands."""

    gateway = StringField(
        _("Gateway"),
        [Optional(), Length(max=64, message=_AT_MOST)],
        description=_("The gateway's device key; empty: it connects by itself."),
    )


class ClaimForm(PortalForm):
    """A code and the machine that its device stands on."""

    code = StringField(
        _("Code"),
        [_NEEDED, Length(max=60, message=_AT_MOST)],
        description=_("Twenty letters and digits, as printed on the label."),
        render_kw={"autocomplete": "off", "autocapitalize": "characters"},
    )
    serial = StringField(
        _("Serial number of the machine"),
        [_NEEDED, Length(max=100, message=_AT_MOST)],
        description=_("As on its name plate."),
    )
