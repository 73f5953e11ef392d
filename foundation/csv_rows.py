"""Reading of CSV that people made: header checked at once, rows kept with their line number."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from foundation.errors import Invalid, MillwrightError

MAX_CSV_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvRow:
    """Values by column name, stripped; empty text where a cell is missing."""

    line: int
    values: dict[str, str]

    def get(self, column: str) -> str:
        """A cell that must be filled.

        Raises:
            Invalid: when it is empty.
        """
        value = self.values.get(column, "")
        if not value:
            raise Invalid("The column %(column)s is empty.", field=column, column=column)
        return value

    def find(self, column: str) -> str | None:
        """A cell that may be empty."""
        return self.values.get(column) or None


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: `outcome` is created, updated or refused, with what it was about."""

    line: int
    outcome: str
    subject: str
    refusal: MillwrightError | None = None

    @property
    def message(self) -> str:
        """Why it was refused."""
        return str(self.refusal or "")


def decode_text(content: bytes) -> str:
    """The text of an uploaded file.

    Raises:
        Invalid: when it is too large, not UTF-8 or holds NUL characters.
    """
    if len(content) > MAX_CSV_BYTES:
        raise Invalid(
            "The file is larger than %(size)s MiB; split it.", size=MAX_CSV_BYTES // 1024 // 1024
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("The file is not UTF-8 text; save it as CSV UTF-8.") from error
    if "\x00" in text:
        raise Invalid("The file holds NUL characters and is no CSV.")
    return text


def read_rows(text: str, required: Iterable[str]) -> Iterator[CsvRow]:
    """The rows of a CSV text with comma, semicolon or tab between its cells.

    Raises:
        Invalid: when a required column is missing from the header.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator, restval="")
    header = [name.strip().lower() for name in reader.fieldnames or []]
    missing = [name for name in required if name not in header]
    if missing:
        raise Invalid("The header lacks the column %(names)s.", names=", ".join(missing))
    reader.fieldnames = header
    for row in _lines(reader):
        values = {key: (value or "").strip() for key, value in row.items() if key}
        if any(values.values()):
            yield CsvRow(reader.line_num, values)


def _lines(reader: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise Invalid(
            "Line %(line)s cannot be read: %(error)s.", line=reader.line_num, error=error
        ) from error
