"""CSV that people made: any of the usual separators, line numbers kept, broken files refused."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.csv_rows import MAX_CSV_BYTES, CsvRow, decode_text, read_rows
from foundation.errors import Invalid

cells = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20)


def rows_of(text, required=("serial",)):
    return list(read_rows(text, required))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_seen_from_the_header(separator):
    text = separator.join(["serial", "site"]) + "\n" + separator.join(["P-1", "Plant"])
    assert rows_of(text) == [CsvRow(2, {"serial": "P-1", "site": "Plant"})]


def test_header_names_are_taken_without_case_and_space():
    assert rows_of(" Serial , SITE\nP-1,Plant")[0].values == {"serial": "P-1", "site": "Plant"}


def test_rows_keep_the_line_a_person_sees():
    text = "serial,site\nP-1,Plant\n\n,\nP-2,Plant\n"
    assert [(row.line, row.get("serial")) for row in rows_of(text)] == [(2, "P-1"), (5, "P-2")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old_mac"])
def test_every_line_end_is_read(line_end):
    text = line_end.join(["serial,site", "P-1,Plant", "P-2,Hall"])
    assert [row.get("site") for row in rows_of(text)] == ["Plant", "Hall"]


def test_short_rows_have_empty_cells_and_long_rows_lose_the_rest():
    short, long = rows_of("serial,site\nP-1\nP-2,Plant,more,and more")
    assert short.values == {"serial": "P-1", "site": ""}
    assert long.values == {"serial": "P-2", "site": "Plant"}


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_what_a_spreadsheet_writes_is_read_back(pairs):
    out = io.StringIO()
    csv.writer(out).writerows([("serial", "site"), *pairs])
    expected = [(a.strip(), b.strip()) for a, b in pairs if a.strip() or b.strip()]
    rows = rows_of(out.getvalue())
    assert [(row.values["serial"], row.values["site"]) for row in rows] == expected


def test_missing_columns_are_all_named():
    with pytest.raises(Invalid, match="serial, dealer"):
        rows_of("customer,site\na,b", ("serial", "customer", "dealer"))


@pytest.mark.parametrize("text", ["", "\n", "just one sentence"])
def test_what_has_no_header_is_refused(text):
    with pytest.raises(Invalid):
        rows_of(text)


def test_a_cell_beyond_every_measure_is_refused():
    with pytest.raises(Invalid):
        rows_of(f"serial\n{'x' * 200_000}\n")


def test_a_file_with_an_unclosed_quote_is_read_or_refused():
    assert rows_of('serial\n"P-1')[0].get("serial") == "P-1"


def test_a_cell_that_must_be_filled_says_which():
    with pytest.raises(Invalid, match="dealer") as refused:
        CsvRow(3, {"dealer": ""}).get("dealer")
    assert refused.value.field == "dealer"


def test_a_cell_that_may_be_empty_is_none():
    row = CsvRow(3, {"device": ""})
    assert row.find("device") is None
    assert row.find("unheard") is None


def test_the_byte_order_mark_of_a_spreadsheet_is_taken_off():
    assert decode_text("serial\nPümpe".encode("utf-8-sig")) == "serial\nPümpe"


@pytest.mark.parametrize(
    "content",
    ["serial\n\xfc".encode("latin-1"), "serial".encode("utf-16"), b"serial\x00", b"\x80"],
    ids=["latin-1", "utf-16", "nul", "half a character"],
)
def test_what_is_no_utf8_text_is_refused(content):
    with pytest.raises(Invalid):
        decode_text(content)


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(Invalid, match="20 MiB"):
        decode_text(b"x" * (MAX_CSV_BYTES + 1))
