"""What every store of samples promises; which engine keeps them is not known here.

One sample row is (equipment model, asset, time); its metrics are finite doubles or absent. A row
written again is merged: the metrics it brings replace the stored ones, the others stay. The last
write wins, within one call as well. A row without any metric is no row.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from foundation.errors import Invalid

MAX_BUCKETS = 10_000
LAST_MS = 253_402_300_799_999  # the end of year 9999

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = frozenset({"asset", "at_ms"})


@dataclass(frozen=True, eq=False, slots=True)
class SampleBatch:
    """Rows of one equipment model to be written; n rows, in the order they arrived.

    `asset` (n,), `at_ms` (n,) epoch ms, `values` metric → (n,) with NaN for absent.
    """

    equipment_model: str
    asset: NDArray[np.uint32]
    at_ms: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Rows that were read, sorted by asset, then time; shapes as in `SampleBatch`.

    Each metric asked for has its array, of NaN where nothing is stored; rows that hold none of
    the metrics asked for are left out.
    """

    asset: NDArray[np.uint32]
    at_ms: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]

    def choose(self, rows: NDArray[Any] | slice, metrics: Iterable[str]) -> "Samples":
        """Some of the rows, by a mask or a slice, with some of the metrics."""
        values = {name: self.values[name][rows] for name in metrics}
        return Samples(self.asset[rows], self.at_ms[rows], values)


@dataclass(frozen=True, eq=False, slots=True)
class Buckets:
    """A period cut into equal parts, for charts; (n,) arrays over the parts that hold samples.

    Parts without samples are absent: gaps stay gaps. A metric without a value in a part has
    `count` 0 and NaN there.
    """

    start_ms: NDArray[np.int64]
    minimum: dict[str, NDArray[np.float64]]
    maximum: dict[str, NDArray[np.float64]]
    mean: dict[str, NDArray[np.float64]]
    count: dict[str, NDArray[np.int64]]


class Snapshot(Protocol):
    """All samples as they were at one instant, while writing goes on."""

    def count_rows(self) -> dict[str, int]:
        """Equipment model → number of its rows."""
        ...

    def batches(self, equipment_model: str) -> Iterator[SampleBatch]:
        """All rows of a model, in parts that fit into memory."""
        ...


class Store(Protocol):
    """Keeps samples. Safe to use from several threads. Periods are [start, end) in epoch ms.

    Reading an equipment model or a metric that was never written gives nothing, not an error.
    All methods raise `Unavailable` while the store cannot be reached, and `Invalid` for
    arguments that no store could serve.
    """

    def write(self, batches: Sequence[SampleBatch]) -> None:
        """Stores all batches in one commit; when it returns they survive a crash.

        After `Unavailable` nothing of it counts as stored and all of it may be sent again.
        """
        ...

    def read(
        self,
        equipment_model: str,
        *,
        assets: Sequence[int] | None,
        metrics: Sequence[str],
        start_ms: int,
        end_ms: int,
    ) -> Samples:
        """The samples of a period; `assets` None = all of the model."""
        ...

    def buckets(
        self,
        equipment_model: str,
        *,
        asset: int,
        metrics: Sequence[str],
        start_ms: int,
        end_ms: int,
        n_buckets: int,
    ) -> Buckets:
        """Smallest, largest and mean value in each of `n_buckets` equal parts of a period."""
        ...

    def latest(
        self, equipment_model: str, *, metrics: Sequence[str], since_ms: int
    ) -> dict[int, tuple[int, dict[str, float]]]:
        """Asset → (newest time, metric → its last value), from `since_ms` on.

        The values may be of different times; metrics without one are missing.
        """
        ...

    def span(self, equipment_model: str, asset: int) -> tuple[int, int, int] | None:
        """First time, last time and number of rows of an asset; None when there are none."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """What is stored now, for a copy of all of it; nobody waits for it."""
        ...

    def forget(self, assets: Collection[int]) -> int:
        """Removes every row of these assets for good; returns how many rows that were."""
        ...

    def check(self) -> None:
        """Returns when the store can be read now."""
        ...

    def close(self) -> None:
        """Finishes what is being written and lets go of the store; harmless when repeated."""
        ...


def check_model_name(name: str) -> str:
    """The name, when it is an equipment model's; such names are safe in any query language.

    Raises:
        Invalid: otherwise.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(
            "%(name)s is no equipment model's key: a-z, 0-9 and _, a letter first.",
            name=repr(name),
        )
    return name


def check_metric_names(names: Sequence[str]) -> list[str]:
    """The names without repeats, when there are any and all are metrics' names.

    Raises:
        Invalid: otherwise.
    """
    if not names:
        raise Invalid("Name at least one metric.")
    for name in names:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise Invalid(
                "%(name)s is no metric's name: a-z, 0-9 and _, a letter first.", name=repr(name)
            )
    return list(dict.fromkeys(names))


def check_period(start_ms: int, end_ms: int) -> None:
    """Raises `Invalid` unless the period lies between 1970 and 9999 and has a length."""
    if not 0 <= start_ms < end_ms <= LAST_MS + 1:
        raise Invalid("A period needs a start before its end, between the years 1970 and 9999.")
