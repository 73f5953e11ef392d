"""Addresses and delivery of the bundled front end; what is in the bundle is build.mjs's business.

Without a bundle (an installation with MILLWRIGHT_SKIP_FRONTEND) every address is ``None`` and the
templates fall back to plain HTML that says so.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory, url_for
from werkzeug.exceptions import NotFound

# What is in the bundle: for us, not for browsers.
MANIFEST = "manifest.json"
BUNDLE = Path(__file__).parent / "static" / "dist"
FOREVER_S = 31_536_000
# Best first; a file is sent in an encoding only if the build wrote such a copy of it.
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class Bundle:
    """The files of a built front end: entry name, such as ``site.css``, to file names."""

    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    icons: frozenset[str] = frozenset()

    @property
    def is_built(self) -> bool:
        return bool(self.files)


def read_bundle(folder: Path = BUNDLE) -> Bundle:
    """Read ``manifest.json`` of `folder`; an empty bundle when there is none."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return Bundle(folder)
    entries = json.loads(manifest.read_text("utf-8"))
    return Bundle(
        folder,
        files={name: entry["file"] for name, entry in entries.items()},
        imports={name: tuple(entry["imports"]) for name, entry in entries.items()},
        icons=frozenset(entries["icons.svg"]["icons"]),
    )


def install_assets(app: Flask, bundle: Bundle | None = None) -> None:
    """Serve the bundle under ``/static/dist/`` and give templates their words for it.

    Template globals: ``asset(entry)`` (address or ``None``), ``asset_imports(entry)`` (addresses
    that the entry needs at once), ``icon_address(name)`` (address inside the sprite or ``None``).
    """
    files = bundle if bundle is not None else read_bundle()
    app.register_blueprint(_delivery(files))

    def address(file: str) -> str:
        return url_for("assets.deliver", file=file)

    def asset(entry: str) -> str | None:
        return address(files.files[entry]) if files.is_built else None

    def asset_imports(entry: str) -> list[str]:
        return [address(file) for file in files.imports[entry]] if files.is_built else []

    def icon_address(name: str) -> str | None:
        if not files.is_built:
            return None
        if name not in files.icons:
            raise KeyError(f"icon {name!r} is not in web/frontend/src/icons.json")
        return f"{asset('icons.svg')}#{name}"

    app.jinja_env.globals.update(
        asset=asset, asset_imports=asset_imports, icon_address=icon_address
    )


def _delivery(bundle: Bundle) -> Blueprint:
    blueprint = Blueprint("assets", __name__)

    @blueprint.get("/static/dist/<path:file>")
    def deliver(file: str) -> Response:
        return _send(bundle.folder, file)

    return blueprint


def _send(folder: Path, file: str) -> Response:
    """One file of the bundle, compressed as the browser takes it, kept for good by its hash."""
    media_type = MEDIA_TYPES.get(Path(file).suffix)
    if media_type is None or file == MANIFEST:
        raise NotFound
    encoding, ending = _encoding(folder, file)
    # A range of a compressed copy would mean bytes of another thing: no conditional answers here.
    response = send_from_directory(
        folder, file + ending, mimetype=media_type, conditional=not ending, max_age=FOREVER_S
    )
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _encoding(folder: Path, file: str) -> tuple[str | None, str]:
    for name, ending in ENCODINGS:
        if request.accept_encodings[name] and (folder / (file + ending)).is_file():
            return name, ending
    return None, ""
