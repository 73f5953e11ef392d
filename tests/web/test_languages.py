"""The portal in three languages: each text is there in each, and each reader gets their own."""

import re
import string

import pytest
from babel.messages.pofile import read_po

from web.wording.languages import CATALOGUES, LANGUAGES, SOURCE, read_catalogue

TRANSLATED = sorted(LANGUAGES.keys() - {SOURCE})
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def read(language):
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as written:
        return read_po(written, locale=language)


def texts(value):
    return list(value) if isinstance(value, tuple | list) else [value]


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
    said = str(read_catalogue("ko").gettext("This is not your present password."))
    assert said in page
