"""Keeps secrets and forged lines out of what is written down: by name, by form, by value."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 8

_WORDS = (
    "password|passwd|passphrase|secret|token|api_?key|private_?key|authorization|cookie|csrf"
    "|credential|claim_?code|totp"
)
_NAME = re.compile(rf"(?:^|[_\-.])(?:{_WORDS})s?(?:$|[_\-.])", re.IGNORECASE)
# What is secret by the form of the text around it.
_FORMS = (
    re.compile(r"(?P<kept>\b[a-z][a-z0-9+.\-]*://[^/\s:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=\-]{8,}", re.IGNORECASE),
    re.compile(
        rf"(?P<kept>\b[a-z_\-]*(?:{_WORDS})s?['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;]+", re.IGNORECASE
    ),
)
# Format characters can turn text around or hide it; separators end lines for some readers.
_UNSAFE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


class Redaction:
    """Cleans values of log events.

    Args:
        secrets: hidden wherever they stand; short ones are not, they would hide common words.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {each for each in secrets if len(each) >= _SHORTEST_SECRET}
        self._known = sorted(known, key=len, reverse=True)

    def clean(self, name: str, value: Any) -> Any:
        """The value of a field of that name, fit to be written."""
        if _NAME.search(name) and isinstance(value, str | bytes | list | tuple | dict):
            return HIDDEN
        return self._clean_value(value)

    def _clean_value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.clean_text(value)
        if isinstance(value, Mapping):
            return {
                self.clean_text(str(key)): self.clean(str(key), each)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean_value(each) for each in value]
        return self.clean_text(str(value) if isinstance(value, BaseException) else repr(value))

    def clean_text(self, text: str) -> str:
        """The text without secrets and without characters that could forge a line."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for form in _FORMS:
            text = form.sub(rf"\g<kept>{HIDDEN}", text)
        if text.isprintable():
            return text
        return "".join(_escape(each) for each in text)


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    return character.encode("unicode_escape").decode()
