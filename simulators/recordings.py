"""Measurements from CSV files as recordings of equipment, described by a mapping file in TOML.

Which columns are sent and which device each file or row belongs to is the mapping's to say; what
the signals mean is said by the platform's own signal mapping.
"""

import csv
import gzip
import io
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from foundation.clock import to_ms
from foundation.errors import Invalid


class Installed(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where the machines stand, used when the platform does not know them yet."""

    definition: str
    manufacturer: str
    dealer: str
    customer: str
    site: str
    time_zone: str = "UTC"


class Mapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A mapping file.

    `files` and `exclude` are patterns below the folder. `device` may hold {folder} and {stem} of
    the file and {value} of `device_column`. With `aligned` each device's first reading is moved
    to the replay's start; the spacing stays.
    """

    files: list[str]
    time_column: str
    device: str
    installed: Installed
    exclude: list[str] = []
    separator: str = ","
    device_column: str | None = None
    aligned: bool = False
    columns: list[str] = []


@dataclass(frozen=True, slots=True)
class Recording:
    """What one device measured: times (n,) in ms, rising; values (n,) by signal, NaN = absent."""

    device: str
    times_ms: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]


def read_mapping(path: Path) -> Mapping:
    """The mapping of a TOML file.

    Raises:
        Invalid: naming the file and what does not fit.
    """
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Mapping)
        mapping.device.format(folder="", stem="", value="")
    except OSError as error:
        raise Invalid(f"The mapping {path} cannot be read: {error.strerror}.") from error
    except (AttributeError, LookupError) as error:
        raise Invalid(
            f"The mapping {path} does not fit: device may hold {{folder}}, {{stem}} and {{value}}."
        ) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise Invalid(f"The mapping {path} does not fit: {error}") from error
    if not mapping.columns:
        raise Invalid(f"The mapping {path} does not fit: columns names none.")
    return mapping


def read_recordings(folder: Path, mapping: Mapping) -> list[Recording]:
    """The recordings of all files below the folder that the mapping names, by device.

    Raises:
        Invalid: when no file fits, or a file lacks a column or holds what is no number.
    """
    paths = sorted(set(_matching(folder, mapping)))
    if not paths:
        raise Invalid(f"No file below {folder} fits {', '.join(mapping.files)}.")
    rows: dict[str, list[tuple[int, list[float]]]] = defaultdict(list)
    for path in paths:
        for device, at_ms, values in _read_file(path, mapping):
            rows[device].append((at_ms, values))
    if not rows:
        raise Invalid(f"The files below {folder} hold no row.")
    recordings = [_recording(device, rows[device], mapping) for device in sorted(rows)]
    return _aligned(recordings) if mapping.aligned else recordings


def _matching(folder: Path, mapping: Mapping) -> Iterator[Path]:
    for pattern in mapping.files:
        for path in folder.glob(pattern):
            name = path.relative_to(folder).as_posix()
            if not any(fnmatch(name, each) for each in mapping.exclude):
                yield path


def _read_file(path: Path, mapping: Mapping) -> Iterator[tuple[str, int, list[float]]]:
    try:
        yield from _read_rows(path, mapping)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{path.name} cannot be read: {error}") from error


def _read_rows(path: Path, mapping: Mapping) -> Iterator[tuple[str, int, list[float]]]:
    stem = path.name.split(".", 1)[0]
    with _open_text(path) as text:
        reader = csv.DictReader(text, delimiter=mapping.separator)
        wanted = [mapping.time_column, *mapping.columns]
        if mapping.device_column:
            wanted.append(mapping.device_column)
        missing = [name for name in wanted if name not in (reader.fieldnames or [])]
        if missing:
            raise Invalid(f"{path.name} lacks the column {', '.join(missing)}.")
        for row in reader:
            value = (row[mapping.device_column] or "") if mapping.device_column else ""
            device = mapping.device.format(folder=path.parent.name, stem=stem, value=value)
            where = f"{path.name}, line {reader.line_num}"
            at_ms = _read_ms(row[mapping.time_column] or "", where)
            yield device, at_ms, [_read_number(row[name], where) for name in mapping.columns]


def _open_text(path: Path) -> io.TextIOWrapper:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _read_ms(text: str, where: str) -> int:
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        said = f"{where}: {text!r} is no time; write it like 2026-05-31 14:00:00."
        raise Invalid(said) from error
    return to_ms(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def _read_number(text: str | None, where: str) -> float:
    """The value of a cell; NaN when it is empty, or missing in a short row."""
    if not text:
        return float("nan")
    try:
        return float(text)
    except ValueError as error:
        raise Invalid(f"{where}: {text!r} is no number.") from error


def _recording(device: str, rows: list[tuple[int, list[float]]], mapping: Mapping) -> Recording:
    rows.sort(key=lambda row: row[0])
    times = np.array([at_ms for at_ms, _ in rows], dtype=np.int64)
    table = np.array([values for _, values in rows], dtype=np.float64)
    return Recording(device, times, {name: table[:, i] for i, name in enumerate(mapping.columns)})


def _aligned(recordings: list[Recording]) -> list[Recording]:
    start = min(int(each.times_ms[0]) for each in recordings)
    return [
        Recording(each.device, each.times_ms - each.times_ms[0] + start, each.values)
        for each in recordings
    ]
