"""Flask-Babel's calls with their types: texts and numbers in the language of the request."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import flask_babel
from babel import Locale, dates, numbers

from foundation.errors import MillwrightError


def gettext(text: str, /, **values: object) -> str:
    """The text in the reader's language, with values put into its %(name)s places."""
    return str(flask_babel.gettext(text, **values))


def say_refusal(error: MillwrightError) -> str:
    """A refusal in the reader's language; its sentence is found where it is raised."""
    return gettext(error.sentence, **error.values)


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """As `gettext`, with the plural form for `count`, which is also %(num)s."""
    return str(flask_babel.ngettext(one, many, count, **values))


def format_moment(local: datetime) -> str:
    """A day and time as they stand, such as "Mar 4, 14:02"; the caller chose the zone."""
    locale = flask_babel.get_locale() or "en"
    day = dates.format_skeleton("MMMd", local, locale=locale)
    time = dates.format_skeleton("Hm", local, locale=locale)
    return str(dates.get_datetime_format("medium", locale=locale)).format(time, day)


def format_window(begins: datetime, ends: datetime) -> str:
    """A window of time, such as "Tue, Mar 4, 09:00–11:00"; the caller chose the zone."""
    if begins.date() != ends.date():
        return f"{format_moment(begins)} – {format_moment(ends)}"
    locale = flask_babel.get_locale() or "en"
    day = dates.format_skeleton("MMMEd", begins, locale=locale)
    times = dates.format_interval(begins, ends, "Hm", locale=locale)
    return str(dates.get_datetime_format("medium", locale=locale)).format(times, day)


def format_day(day: date) -> str:
    """A day of no certain zone, such as "Mar 4, 2026"."""
    return str(dates.format_date(day, "medium", locale=flask_babel.get_locale() or "en"))


def format_number(value: float) -> str:
    """A number to four digits that count; more would claim an accuracy that no sensor has."""
    return str(flask_babel.format_decimal(float(f"{value:.4g}")))


def format_estimate(value: float) -> str:
    """An estimate to three digits that count; its range says how little more would mean."""
    return format_number(value if abs(value) >= 100 else float(f"{value:.3g}"))


def format_share(value: float) -> str:
    """A share of one, in percent."""
    return str(flask_babel.format_percent(value))


def format_span_s(length_s: float) -> str:
    """A length of time in words, such as "10 seconds"."""
    length = timedelta(seconds=length_s)
    return str(flask_babel.format_timedelta(length, granularity="second", threshold=1.2))


def format_amount(value: float, currency: str) -> str:
    """An estimated amount of money; from ten on without decimals, which would say nothing."""
    if not currency:
        return format_number(value)
    if abs(value) < 10:
        return str(flask_babel.format_currency(value, currency))
    locale = Locale.parse(str(flask_babel.get_locale() or "en"))
    whole = locale.currency_formats["standard"].pattern.replace(".00", "")
    return str(
        numbers.format_currency(value, currency, whole, locale=locale, currency_digits=False)
    )


def format_money(amount: Decimal, currency: str) -> str:
    """An exact amount of money, with the decimals of its currency."""
    return str(flask_babel.format_currency(amount, currency))


def name_country(code: str) -> str:
    """What a country is called in the reader's language; its code where nobody knows it."""
    locale = flask_babel.get_locale()
    known = locale.territories.get(code) if locale is not None else None
    return str(known or code)
