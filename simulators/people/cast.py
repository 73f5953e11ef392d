"""Who plays and with which machines: what a play is told before it begins."""

from datetime import datetime

import msgspec

MANAGER, TECHNICIAN, CUSTOMER = "dealer_manager", "technician", "customer"
MANUFACTURER = "manufacturer"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a sign-in, and where they work."""

    name: str
    email: str
    password: str
    role: str
    organisation: str
    time_zone: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A machine: what its plate says, which device reports for it, whose it is, who serves it."""

    device: str
    serial: str
    customer: str
    dealer: str


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody and everything in a play."""

    people: tuple[Profile, ...]
    machines: tuple[Place, ...]

    def without(self, organisations: set[str], emails: set[str]) -> "Cast":
        """The same without the people of these organisations and addresses."""
        left = tuple(
            each
            for each in self.people
            if each.organisation not in organisations and each.email not in emails
        )
        return Cast(people=left, machines=self.machines)


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A page that did not do what a person wanted; status 0 when the portal was away."""

    at: datetime
    person: str
    address: str
    status: int
    text: str
