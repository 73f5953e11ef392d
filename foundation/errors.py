"""The kinds of refusal every package shares; how a browser sees them is decided in web.

A refusal is a whole sentence with %(name)s places and the values for them, so that web can say it
in the reader's language.
"""


class MillwrightError(Exception):
    """A refusal that names the thing and the way out; its text may be shown to the person."""

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence = sentence
        self.values = values


class NotFound(MillwrightError):
    """The thing does not exist, or the asker may not know that it does."""


class Forbidden(MillwrightError):
    """The thing may be seen, but this act is not the asker's to do."""


class Invalid(MillwrightError):
    """The input breaks a rule; `field` names the part of a form, where there is one."""

    def __init__(self, sentence: str, /, *, field: str | None = None, **values: object) -> None:
        super().__init__(sentence, **values)
        self.field = field


class Conflict(MillwrightError):
    """The input is sound but somebody or something got there first."""


class Unavailable(MillwrightError):
    """A part we depend on does not answer; the same act may succeed later."""
