"""What templates may call: numbers with units, time zones, labels of codes, reasons in words."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Flask

from devices.equipment_models import LikelyCause
from foundation.money import Money
from foundation.reasons import Reason
from foundation.units import symbol
from services.tickets.queries import TicketRow
from services.tickets.rules import Visit
from telemetry.alarms.queries import AlarmRow
from web import words
from web.request_scope import now
from web.wording import labels, offer_labels
from web.wording.alarms import title_of
from web.wording.stakes import money_text, stake_sentence
from web.wording.translate import (
    format_money,
    format_number,
    format_span_s,
    name_country,
    say_refusal,
)
from web.wording.visits import arrival_sentence, is_missed, window_of

PREVIEW_BYTES = 4_096


def install_filters(app: Flask) -> None:
    """Adds our filters and globals to the templates."""
    app.jinja_env.filters.update(
        zone=zone,
        quantity=quantity,
        every=every,
        say=say,
        alarm_title=alarm_title,
        as_text=as_text,
        unit=symbol,
        cause_when=cause_when,
        refusal=say_refusal,
        country=name_country,
        price=price,
        money=money_text,
        stake=stake_sentence,
        window=window,
        arrival=arrival,
    )
    app.jinja_env.globals.update(
        now=now, labels=labels, offer_labels=offer_labels, is_missed=is_missed
    )


def zone(name: str) -> ZoneInfo:
    """The zone of that name, or UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def quantity(value: float | None, unit: str = "") -> str:
    """A number to as many digits as count, with the symbol of its UCUM unit."""
    if value is None:
        return "–"
    return f"{format_number(value)} {symbol(unit)}".strip()


def price(minor: int, currency: str) -> str:
    """An exact amount of money from its minor units."""
    return format_money(Money(minor, currency).amount, currency)


def window(visit: Visit, time_zone: str) -> str:
    """A planned visit, in the site's own time."""
    return window_of(visit, zone(time_zone))


def arrival(row: TicketRow) -> str:
    """Who comes when; empty where no visit is planned."""
    return arrival_sentence(row, zone(row.time_zone), now())


def every(seconds: float) -> str:
    """An interval in words, such as "10 seconds"."""
    return format_span_s(seconds)


def say(reason: Reason, metrics: Mapping[str, str], time_zone: str) -> str:
    """A reason in words, with the names of the model's metrics and the site's time."""
    return words.say(reason, words.Context(metrics, zone(time_zone)))


def alarm_title(alarm: AlarmRow, metrics: Mapping[str, str], time_zone: str) -> str:
    """What an alarm found, in one line."""
    return title_of(alarm.condition, alarm.evidence, words.Context(metrics, zone(time_zone)))


def cause_when(cause: LikelyCause, metrics: Mapping[str, str]) -> str:
    """When a likely cause is thought of, in one line."""
    named = [{"metric": cause.metric, "share": 1.0}] if cause.metric else []
    return title_of(cause.condition, {"metrics": named}, words.Context(metrics))


def as_text(payload: bytes) -> str:
    """What a machine sent, readable: as text where it is some, else in hexadecimal."""
    shown = payload[:PREVIEW_BYTES]
    try:
        text = shown.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut = len(payload) > PREVIEW_BYTES and error.start >= PREVIEW_BYTES - 4
        if not is_cut:
            return shown.hex(" ")
        text = shown.decode("utf-8", "replace")
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    """Control, invisible and direction-changing characters by their number."""
    if character.isprintable() or character in "\n\t":
        return character
    return f"\\u{ord(character):04x}"
