"""Readings become one set of arrays per equipment model, with NaN where a metric is absent."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.columns import Columns

NAMES = ("temperature", "pressure", "speed")
readings = st.lists(
    st.tuples(
        st.sampled_from(["pump", "fan"]),
        st.integers(1, 2**32 - 1),
        st.integers(0, 2**52),
        st.dictionaries(st.sampled_from(NAMES), st.floats(allow_nan=False, allow_infinity=False)),
    ),
    max_size=30,
)


def gather(rows):
    columns = Columns()
    for row in rows:
        columns.add(*row)
    return columns.as_batches()


def test_nothing_makes_no_batch():
    assert gather([]) == []


def test_a_batch_has_the_types_that_the_store_takes():
    (batch,) = gather([("pump", 7, 1_000, {"pressure": 5}), ("pump", 8, 2_000, {"speed": 2.5})])
    assert batch.equipment_model == "pump"
    assert (batch.asset.dtype, batch.at_ms.dtype) == (np.uint32, np.int64)
    assert {name: column.dtype for name, column in batch.values.items()} == {
        "pressure": np.float64,
        "speed": np.float64,
    }
    np.testing.assert_array_equal(batch.values["pressure"], [5, np.nan])
    np.testing.assert_array_equal(batch.values["speed"], [np.nan, 2.5])


def read_back(batch):
    return [
        (
            batch.equipment_model,
            int(batch.asset[row]),
            int(batch.at_ms[row]),
            {name: each[row] for name, each in batch.values.items() if not np.isnan(each[row])},
        )
        for row in range(len(batch.asset))
    ]


@given(readings)
def test_every_reading_is_in_its_models_batch_in_the_order_it_came(rows):
    found = {batch.equipment_model: read_back(batch) for batch in gather(rows)}
    for model in ("pump", "fan"):
        assert found.get(model, []) == [row for row in rows if row[0] == model]
