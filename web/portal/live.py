"""The routes of live updates: the event stream, and the answer for pages that ask now and then."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from devices.access import Reach, is_asset_visible
from foundation.clock import stopwatch_s
from foundation.errors import NotFound, Unavailable
from web.auth import find_signed_in, get_token
from web.live import LiveFeed, Stream
from web.request_scope import get_runtime, get_scope, get_session
from web.runtime import WebRuntime

HEARTBEAT_S = 5.0
RECHECK_S = 15.0
_EXTENSION = "millwright_live"

blueprint = Blueprint("live", __name__)


def install_live(app: Flask, runtime: WebRuntime) -> None:
    """Makes the feed of this process; its thread begins with the first page."""
    app.extensions[_EXTENSION] = LiveFeed(
        runtime.database, runtime.latest, limit=runtime.stream_limit, stop=runtime.stop
    )
    app.register_blueprint(blueprint)
    app.before_request(_note_cursor)


def get_feed(app: Flask | None = None) -> LiveFeed:
    """The feed of an app, by default of the one that answers."""
    feed = (app or current_app).extensions[_EXTENSION]
    assert isinstance(feed, LiveFeed)
    return feed


def live_addresses(asset_id: int | None = None) -> dict[str, str]:
    """The addresses of a page that follows changes, and the readings of one machine."""
    cursor = g.get("live_cursor", "")
    return {
        "live_url": url_for("live.stream", asset=asset_id, last_event_id=cursor),
        "poll_url": url_for("live.poll", asset=asset_id, since=cursor),
    }


def _note_cursor() -> None:
    # Taken before the page reads anything, so that nothing falls between page and stream.
    is_page = request.method == "GET" and request.blueprint not in (None, "assets", "live", "api")
    if is_page and current_user.is_authenticated:
        g.live_cursor = get_feed().cursor


@blueprint.get("/live")
def stream() -> ResponseReturnValue:
    """The events of one page until it is left, the person signs out, or the portal ends."""
    asset_id = _get_asset_id()
    last_id = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    feed, token = get_feed(), get_token()
    opened = feed.join(get_scope(), asset_id, last_id[:100])
    response = Response(_events(opened, get_runtime(), token), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    # Also when the browser left before the first event was taken.
    response.call_on_close(lambda: feed.leave(opened))
    return response


@blueprint.get("/live/poll")
def poll() -> ResponseReturnValue:
    """What changed since the page asked last, for a page that has no stream."""
    asset_id = _get_asset_id()
    feed = get_feed()
    feed.catch_up()
    cursor = feed.cursor
    events = feed.events_after(get_scope(), request.args.get("since", "")[:100])
    told: list[dict[str, Any]] = [{"event": each.name, **each.detail} for each in events]
    if asset_id is not None:
        told.append({"event": "reading", "asset": str(asset_id)})
    return jsonify({"cursor": cursor, "events": told})


def _get_asset_id() -> int | None:
    asset_id = request.args.get("asset", type=int)
    if asset_id is None:
        return None
    if not 0 < asset_id < 2**63 or not is_asset_visible(get_session(), asset_id, Reach.READINGS):
        raise NotFound("There is no such machine.")
    return asset_id


def _events(opened: Stream, runtime: WebRuntime, token: str) -> Iterator[str]:
    yield "retry: 3000\n\n"
    checked_s = stopwatch_s()
    while not opened.is_closed:
        events = opened.take(HEARTBEAT_S)
        yield "".join(event.as_text() for event in events) or ": here\n\n"
        if stopwatch_s() - checked_s >= RECHECK_S:
            checked_s = stopwatch_s()
            if not _is_signed_in(runtime, token):
                return


def _is_signed_in(runtime: WebRuntime, token: str) -> bool:
    try:
        found = find_signed_in(runtime.database, token, runtime.clock.now())
    except Unavailable:
        # A database that is away for a moment is no reason to send everybody home.
        return True
    return found is not None and not found.is_weak
