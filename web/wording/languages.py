"""The languages of the portal: which there are, which one a request is answered in, their texts.

The catalogues in translations/ are read as they are written (.po), so none has to be compiled.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, request
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user

COOKIE = "mw_language"
SOURCE = "en"
# Each named in itself, as the one who looks for it reads it.
LANGUAGES = {"en": "English", "zh": "简体中文", "ko": "한국어"}
CATALOGUES = Path(__file__).parent.parent / "translations"


class Catalogues(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """Flask-Babel's texts, read from the written catalogues."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return read_catalogue(locale.language if locale else SOURCE)


@cache
def read_catalogue(language: str) -> NullTranslations:
    """The texts of a language; those of the source are themselves."""
    path = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if language not in LANGUAGES or not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as written:
        write_mo(compiled, read_po(written, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def install_languages(app: Flask) -> None:
    """Answers each request in its reader's language and time zone."""
    babel = Babel(
        app,
        default_locale=SOURCE,
        locale_selector=choose_language,
        timezone_selector=_reader_zone,
    )
    babel.domain_instance = Catalogues()


def choose_language() -> str:
    """What the person chose, else what this browser was set to, else what it asks for."""
    chosen = current_user.language if current_user.is_authenticated else None
    chosen = chosen or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES, SOURCE) or SOURCE


def _reader_zone() -> str | None:
    return current_user.time_zone if current_user.is_authenticated else None
