"""What can be administered, by role: the entries of the administration page."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from devices.access import Act
from web.pages.devices import list_actions
from web.pages.parts import Action
from web.request_scope import may
from web.wording.translate import gettext as _


@dataclass(frozen=True, slots=True)
class Group:
    """Actions on one kind of thing, with what they are for."""

    title: str
    note: str
    actions: Sequence[Action]


def list_groups() -> list[Group]:
    """The groups that the reader's role may use."""
    groups = [_machines(), _sites(), _organisations()] if may(Act.ADMINISTER_ASSETS) else []
    groups += [_devices()] if may(Act.ADMINISTER_DEVICES) else []
    dealers = [_dealers()] if may(Act.PLACE_DEALER) else []
    return [*groups, _people(), *dealers, _data()]


def _machines() -> Group:
    return Group(
        _("Machines"),
        _("who owns and serves them, where they stand, which device speaks for them"),
        [
            Action(_("Enter a machine"), url_for("administration.new_machine"), icon="plus"),
            Action(_("Import a list"), url_for("administration.import_page"), icon="upload"),
            Action(_("All machines"), url_for("machines.index"), icon="machines"),
        ],
    )


def _sites() -> Group:
    return Group(
        _("Sites"),
        _("where machines stand: address, position, time zone and telephone"),
        [
            Action(_("All sites"), url_for("sites.index"), icon="sites"),
        ],
    )


def _devices() -> Group:
    actions = [Action(_("All devices"), url_for("devices.index"), icon="devices")]
    return Group(
        _("Devices"), _("what connects machines, and by which password"), actions + list_actions()
    )


def _organisations() -> Group:
    return Group(
        _("Organisations"),
        _("the dealers and customers you work with"),
        [
            Action(_("Enter an organisation"), url_for("organisations.new"), icon="plus"),
            Action(_("All organisations"), url_for("organisations.index"), icon="organisations"),
        ],
    )


def _data() -> Group:
    return Group(
        _("Data"),
        _("which data of others you may see, and why"),
        [Action(_("Show"), url_for("sharing.show"), icon="lock")],
    )


def _dealers() -> Group:
    return Group(
        _("Dealers above and below"),
        _("under whom you work, and who works under you"),
        [Action(_("Show"), url_for("sub_dealers.show"), icon="organisations")],
    )


def _people() -> Group:
    return Group(
        _("People"),
        _("who of your organisation can sign in"),
        [
            Action(_("Invite a person"), url_for("invitations.index"), icon="mail"),
            Action(_("Enter a person"), url_for("people.new"), icon="plus"),
            Action(_("Import a list"), url_for("people.import_page"), icon="upload"),
            Action(_("All people"), url_for("people.index"), icon="people"),
            Action(_("How people sign in"), url_for("sign_in_policy.show"), icon="lock"),
        ],
    )
