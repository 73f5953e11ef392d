"""The log of reads: whoever looks at a machine of another organisation leaves a line a day.

It is written before the readings leave, in a transaction of its own: a page that only reads has no
other. What this process wrote already is remembered, so that a page costs one look a day.
"""

from datetime import date

from flask import Flask, current_app

from devices.sharing.queries import find_purpose, record_read
from web.request_scope import get_runtime, get_scope, get_session, now

_EXTENSION = "millwright_reads"
_MOST = 50_000
_Key = tuple[int | None, int | None, int, str, date]


def install_read_log(app: Flask) -> None:
    """Makes the memory of this process."""
    app.extensions[_EXTENSION] = set[_Key]()


def note_read(asset_id: int) -> None:
    """Notes that the signed-in person reads this machine.

    Raises:
        Unavailable: when the line cannot be written; then nothing is read.
    """
    purpose = find_purpose(get_session(), asset_id)
    if not purpose:
        return
    scope, written = get_scope(), current_app.extensions[_EXTENSION]
    key = (scope.organisation_id, scope.person_id, asset_id, purpose, now().date())
    if key in written:
        return
    with get_runtime().database.transaction(scope) as session:
        record_read(session, asset_id, at=now())
    if len(written) >= _MOST:
        written.clear()
    written.add(key)
