"""Files that the portal hands out; cells that a spreadsheet would run are made harmless."""

import csv
import io
from collections.abc import Iterable

from flask import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_template(name: str, columns: Iterable[str], example: Iterable[str]) -> Response:
    """A list with its header and one example row."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(columns)
    table.writerow([harmless(cell) for cell in example])
    return as_download(name, out.getvalue(), "text/csv")


def as_download(name: str, text: str, media_type: str) -> Response:
    """Text that the browser keeps as a file; the name is ours, never a user's."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype=media_type, headers=headers)


def harmless(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
