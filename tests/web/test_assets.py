"""Delivery of the bundle, and the templates that every page shares."""

import re

import pytest
from flask import render_template

from tests.web.frontend_site import TEMPLATES, make_site
from web.assets import BUNDLE, Bundle, read_bundle


@pytest.fixture(scope="module")
def bundle():
    built = read_bundle()
    if not built.is_built:
        pytest.fail("The front end is not built: run `python hatch_build.py`.")
    return built


@pytest.fixture
def site(bundle):
    return make_site(bundle)


@pytest.fixture
def plain_site(tmp_path):
    return make_site(read_bundle(tmp_path))


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, br", "br"), ("gzip", "gzip"), ("identity", None)]
)
def test_a_file_comes_as_the_browser_takes_it(site, bundle, accepted, encoding):
    path = f"/static/dist/{bundle.files['site.css']}"
    with site.test_client().get(path, headers={"Accept-Encoding": accepted}) as answer:
        kept = set(answer.headers["Cache-Control"].split(", "))
        assert answer.headers.get("Content-Encoding") == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.mimetype == "text/css"
        assert {"immutable", "public", "max-age=31536000"} <= kept


def test_a_file_without_a_compressed_copy_comes_as_it_is(site, bundle):
    path = f"/static/dist/{bundle.files['font.woff2']}"
    with site.test_client().get(path, headers={"Accept-Encoding": "br"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert answer.data[:4] == b"wOF2"


@pytest.mark.parametrize(
    "name", ["manifest.json", ".stamp", "none.js", "../../assets.py", "x.css"]
)
def test_nothing_else_is_served(site, name):
    assert site.test_client().get(f"/static/dist/{name}").status_code == 404


def test_an_unknown_icon_is_a_fault_of_the_template(site):
    with site.test_request_context(), pytest.raises(KeyError, match="no-such-icon"):
        site.jinja_env.globals["icon_address"]("no-such-icon")


def test_a_page_links_what_was_built(site, bundle):
    page = site.test_client().get("/all").text
    for entry in ("site.css", "app.js", "font.woff2", "favicon.svg"):
        assert f"/static/dist/{bundle.files[entry]}" in page


def test_without_a_bundle_a_page_is_plain_says_so_and_keeps_its_words(plain_site):
    page = plain_site.test_client().get("/all").text
    assert "python hatch_build.py" in page
    assert "Ticket 1" in page
    assert "<script" not in page
    assert "data-theme-toggle" not in page


def test_what_people_typed_is_escaped(site):
    assert "Hall &lt;b&gt;" in site.test_client().get("/all").text


def test_a_faulty_field_is_tied_to_its_fault(site):
    page = site.test_client().get("/all").text
    field = re.search(r'<input[^>]*id="name"[^>]*>', page)[0]
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="name-faults name-hint"' in field
    assert "Give it a name." in page


@pytest.mark.parametrize(
    ("cookie", "attribute"), [("dark", 'data-bs-theme="dark"'), ("auto", None), ('"><b>', None)]
)
def test_the_chosen_colours_stand_in_the_first_byte(site, cookie, attribute):
    client = site.test_client()
    client.set_cookie("mw_theme", cookie)
    head = client.get("/all").text.split("<head>")[0]
    assert attribute in head if attribute else "data-bs-theme" not in head


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.glob("errors/[0-9]*.html")), ids=lambda path: path.stem
)
def test_every_error_page_says_what_happened_and_the_way_out(site, path):
    with site.test_request_context():
        page = render_template(f"errors/{path.name}")
    assert re.search(r"<h1>[^<]{10,}</h1>", page)
    assert re.search(r"<title>[^<]{10,} · Millwright</title>", page)
    assert 'class="btn btn-primary" href="/"' in page


@pytest.mark.parametrize(
    "forbidden",
    [
        r"\sstyle=",
        r"\shx-on",
        r"\son[a-z]+=",
        r"js:",
        r"<style",
        r"<script(?![^>]*\b(src|type=.application/json))",
    ],
)
def test_no_template_asks_for_what_the_policy_forbids(forbidden):
    faulty = [p.name for p in TEMPLATES.rglob("*.html") if re.search(forbidden, p.read_text())]
    assert faulty == []


def test_an_empty_bundle_names_nothing():
    assert not Bundle(BUNDLE).is_built
