"""The portal in three languages: each text is there in each, and each reader gets their own."""

import ast
import re
import string

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.architecture.sources import ROOT
from web.wording.languages import CATALOGUES, LANGUAGES, SOURCE, read_catalogue

TRANSLATED = sorted(LANGUAGES.keys() - {SOURCE})
# Packages whose refusals a person may read on a page, and the kinds of refusal.
SPEAKING = ("web", "foundation", "devices", "telemetry", "services", "dealers")
REFUSALS = ("Invalid", "Conflict", "Forbidden", "NotFound", "Unavailable")
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


@pytest.fixture(scope="module")
def asked():
    """Every text that templates and code ask for."""
    with (ROOT / "web" / "babel.ini").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    catalogue = Catalog()
    keywords = {**DEFAULT_KEYWORDS, **dict.fromkeys(REFUSALS)}
    for package in SPEAKING:
        # Babel leaves out folders that begin with an underscore unless told otherwise.
        found = extract_from_dir(
            ROOT / package, methods, options, keywords, directory_filter=lambda _: True
        )
        for _path, _line, text, _comments, _context in found:
            catalogue.add(text)
    return {message.id for message in catalogue if message.id}


def read(language):
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as written:
        return read_po(written, locale=language)


def texts(value):
    return list(value) if isinstance(value, tuple | list) else [value]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_its_translation(language, asked):
    known = {message.id for message in read(language) if all(texts(message.string))}
    missing = sorted(str(each) for each in asked - known)
    assert not missing, f"{len(missing)} texts to translate after `make messages`: {missing[:20]}"


def find_spliced(package):
    """Refusals whose sentence is spliced together, which no catalogue can hold."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if name in REFUSALS and node.args and isinstance(node.args[0], ast.JoinedStr):
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


# What these raise is read in logs and on the command line alone.
UNSEEN = ("telemetry/store/", "telemetry/mqtt.py", "devices/wire/", "foundation/settings.py")


@pytest.mark.parametrize("package", SPEAKING)
def test_a_refusal_is_a_whole_sentence_with_places(package):
    assert [each for each in find_spliced(package) if not each.startswith(UNSEEN)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_left_of_a_text_that_is_gone(language, asked):
    assert {message.id for message in read(language) if message.id} <= asked


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_the_places_of_values(language):
    for message in read(language):
        if message.id:
            wanted = sorted(set(PLACES.findall(texts(message.id)[-1])))
            for said in texts(message.string):
                assert sorted(set(PLACES.findall(said))) == wanted, said


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_are_in_that_language(language):
    letters = set(string.ascii_letters)
    message = read_catalogue(language).gettext("Sign in")
    assert not letters & set(message)


def test_the_browser_is_answered_in_the_language_it_asks_for(site):
    visitor = site.visit()
    for asked_for, lang in (("ko-KR,ko;q=0.9", "ko"), ("zh-CN", "zh"), ("fr", "en"), ("", "en")):
        page = visitor.get("/sign-in", headers={"Accept-Language": asked_for}).text
        assert f'<html lang="{lang}"' in page


def test_who_chose_a_language_keeps_it_in_every_browser(site):
    assert site.visit("customer").post("/language", {"language": "ko"}).status_code == 303
    other = site.visit("customer")
    page = other.get("/", headers={"Accept-Language": "zh"}).text
    assert '<html lang="ko"' in page
    assert str(read_catalogue("ko").gettext("Sign out")) in page
    assert '<html lang="en"' in site.visit("technician").read("/")


def test_the_choice_is_kept_in_the_browser_before_the_sign_in(site):
    visitor = site.visit()
    before = {"Referer": "http://localhost/sign-in?next=/tickets"}
    answer = visitor.post("/language", {"language": "zh"}, headers=before)
    assert answer.headers["Location"] == "/sign-in?next=/tickets"
    assert '<html lang="zh"' in visitor.read("/sign-in")


@pytest.mark.parametrize("language", ["", "xx", "zh\r\nSet-Cookie: a=b", "../ko", "en" * 300])
def test_a_language_that_is_not_there_is_refused(site, language):
    answer = site.visit("manager").post("/language", {"language": language})
    assert answer.status_code == 422
    assert "mw_language" not in answer.headers.get("Set-Cookie", "")


def test_no_other_site_is_gone_on_to(site):
    for before in ("http://evil.example/tickets", "http://localhost//evil.example/", "http://["):
        answer = site.visit("manager").post(
            "/language", {"language": "ko"}, headers={"Referer": before}
        )
        assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_and_home_can_be_shown_in_each_language(lively, language):
    for person in ("maker", "manager", "technician", "customer"):
        visitor = lively.visit(person)
        visitor.post("/language", {"language": language})
        for path in ("/", "/machines", "/tickets", "/me", f"/machines/{lively.network.asset}"):
            assert f'<html lang="{language}"' in visitor.read(path)


def test_what_a_package_refuses_is_said_in_the_readers_language(site):
    visitor = site.visit("manager")
    visitor.post("/language", {"language": "ko"})
    fields = {"present": "not mine", "password": "purple otter brass"}
    page = visitor.post("/me/password", fields).text
    assert "This is not your present password." not in page
    assert str(read_catalogue("ko").gettext("This is not your present password.")) in page
