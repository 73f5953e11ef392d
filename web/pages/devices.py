"""What the pages about devices show beyond their rows: labels with a QR, files of passwords."""

import base64
import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import segno
from flask import url_for
from markupsafe import Markup

from devices.access import Act
from devices.security.claims import FreshCode, Purpose
from devices.security.credentials import FreshCredential
from web.csv_files import harmless
from web.pages.parts import Action
from web.request_scope import may
from web.wording.translate import gettext as _

TEMPLATE_COLUMNS = ("device", "equipment_model", "serial", "gateway", "password")


@dataclass(frozen=True, slots=True)
class Label:
    """A claim code to print: what it says, its picture, where it is used."""

    code: str
    picture: Markup
    address: str
    is_for_machine: bool
    expires_at: datetime


def describe_label(fresh: FreshCode) -> Label:
    """The label of a code; a telephone that reads it opens the page with the code filled in."""
    is_for_machine = fresh.purpose is Purpose.MACHINE
    if is_for_machine:
        address = url_for("claims.show", _external=True)
        content = url_for("claims.show", code=fresh.code, _external=True)
    else:
        address, content = url_for("claims.redeem", _external=True), fresh.code
    return Label(fresh.code, draw_code(content), address, is_for_machine, fresh.expires_at)


def draw_code(content: str) -> Markup:
    """The text as a QR picture: shapes alone, no style and no script."""
    picture = segno.make(content, error="m", micro=False)
    return Markup(picture.svg_inline(scale=5, border=4, light="#fff", dark="#000"))  # noqa: S704 - drawn from bits


def write_credentials(credentials: Iterable[FreshCredential]) -> str:
    """The address of a file that stands within the page itself, kept nowhere else."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["device", "user", "password"])
    for each in credentials:
        table.writerow([harmless(each.device_key), harmless(each.user), each.password])
    return f"data:text/csv;base64,{base64.b64encode(out.getvalue().encode()).decode()}"


def list_actions() -> list[Action]:
    """What may be done beside looking."""
    if not may(Act.ADMINISTER_ASSETS):
        return []
    return [
        Action(_("Import a list"), url_for("devices.import_page"), icon="upload"),
        Action(_("What was refused"), url_for("devices.denials"), icon="quarantine"),
    ]
