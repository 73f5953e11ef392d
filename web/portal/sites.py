"""Sites: the places of customers where machines stand."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.sites import Place, Site, change_site, get_site, list_sites
from web.forms import SiteForm, attempt
from web.pages.parts import Action
from web.request_scope import get_session, require
from web.wording.translate import gettext as _

blueprint = Blueprint("sites", __name__)
_require = require(Act.ADMINISTER_ASSETS)


@blueprint.get("/administration/sites")
@_require
def index() -> ResponseReturnValue:
    """All of them by name; a site is entered with its first machine."""
    entering = Action(
        _("Enter a machine"), url_for("administration.new_machine"), icon="plus", primary=True
    )
    return render_template("sites/index.html", sites=list_sites(get_session()), actions=[entering])


@blueprint.get("/administration/sites/<id:site_id>")
@_require
def edit(site_id: int) -> ResponseReturnValue:
    """The form with what is known."""
    site = get_site(get_session(), site_id)
    return _page(SiteForm(obj=site, site=site.name), site)


@blueprint.post("/administration/sites/<id:site_id>")
@_require
def save(site_id: int) -> ResponseReturnValue:
    """Brings a site up to date; its customer stays."""
    site = get_site(get_session(), site_id)
    form = SiteForm(request.form)
    if attempt(form, lambda: _change(form, site)) is None:
        return _page(form, site), 422
    flash(_("%(name)s is saved.", name=site.name), "success")
    return redirect(url_for("sites.index"), 303)


def _change(form: SiteForm, site: Site) -> Site:
    name, zone = form.site.data or "", form.time_zone.data or ""
    change_site(get_session(), site, name=name, time_zone=zone, place=_place(form))
    return site


def _place(form: SiteForm) -> Place:
    return Place(
        form.address.data,
        form.country.data or None,
        form.latitude.data,
        form.longitude.data,
        form.telephone.data or None,
    )


def _page(form: SiteForm, site: Site) -> str:
    return render_template("sites/edit.html", form=form, site=site)
