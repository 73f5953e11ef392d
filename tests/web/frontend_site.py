"""A small site around the shared templates and the real bundle; it knows no part of the portal."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, render_template, request
from flask_babel import Babel
from flask_wtf import CSRFProtect, FlaskForm
from jinja2 import FileSystemLoader
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired

from web.assets import install_assets

PAGES = Path(__file__).parent / "pages"
TEMPLATES = Path(__file__).parents[2] / "web" / "templates"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)
NAVIGATION = [
    {"url": f"/{name}", "label": name.title(), "icon": name, "active": name == "home"}
    for name in ("home", "queue", "machines", "offers", "administration")
]


class Sheet(FlaskForm):
    name = StringField("Name", validators=[DataRequired("Give it a name.")], description="Short.")
    model = SelectField("Model", choices=["A", "B"])
    tell = BooleanField("Tell the customer")
    verdict = RadioField("Right?", choices=["Right", "False"])


def make_site(bundle):
    """A site of one page, with what base.html expects of an application."""
    app = Flask("site", static_folder=None)
    app.jinja_loader = FileSystemLoader([TEMPLATES, PAGES])
    app.config.update(SECRET_KEY="tests only", TESTING=True)
    Babel(app)
    CSRFProtect(app)
    install_assets(app, bundle)
    app.jinja_env.globals["now"] = lambda: NOW
    app.tickets = [1, 2]

    @app.context_processor
    def frame():
        person = {"name": "Ada Lovelace"}
        return {"navigation": NAVIGATION, "person": person, "organisation": {"name": "Nord"}}

    @app.get("/all")
    def everything():
        sheet = Sheet(data={"name": ""})
        sheet.validate()
        at, zone = NOW - timedelta(hours=3), ZoneInfo("Europe/Berlin")
        live = {"live_url": "/live", "poll_url": "/poll"} if "live" in request.args else {}
        return render_template(
            "all.html", at=at, zone=zone, sheet=sheet, tickets=app.tickets, **live
        )

    @app.after_request
    def policy(response):
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app
