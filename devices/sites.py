"""Sites: places of a customer where assets stand: their position, time zone and telephone."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import Act, may, seen_assets
from foundation.database import Base, BigId, Scoped
from foundation.errors import Conflict, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.identity.people import check_time_zone
from foundation.identity.scope import OrganisationKind, Scope

_COUNTRY = re.compile(r"[A-Z]{2}")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,38}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a site is and whom to call there; None leaves what is known."""

    address: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    telephone: str | None = None


class Site(Scoped, Base):
    """A plant, hall or yard of a customer."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(400), default="")
    time_zone: Mapped[str] = mapped_column(String(60))
    # Two letters of ISO 3166; degrees north and east. None where nobody said.
    country: Mapped[str | None] = mapped_column(String(2), index=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    telephone: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship()

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return or_(cls.organisation_id == scope.organisation_id, cls.id.in_(_seen_sites(scope)))

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return may(scope, Act.ADMINISTER_ASSETS) or self.organisation_id == scope.organisation_id


def _seen_sites(scope: Scope) -> Any:
    asset = Base.metadata.tables["asset"]
    return select(asset.c.site_id).where(asset.c.id.in_(seen_assets(scope)))


def create_site(
    session: Session,
    *,
    customer: Organisation,
    name: str,
    time_zone: str,
    at: datetime,
    address: str = "",
) -> Site:
    """A new site of a customer.

    Raises:
        Invalid: without a name, with an unknown time zone or for another kind of organisation.
        Conflict: when the customer has a site of that name.
    """
    name = name.strip()
    if not name:
        raise Invalid("A site needs a name.", field="site")
    if customer.kind != OrganisationKind.CUSTOMER:
        raise Invalid(
            "%(name)s is a %(kind)s; sites belong to customers.",
            name=customer.name,
            kind=customer.kind,
        )
    if find_site(session, customer.id, name):
        raise Conflict(
            "%(name)s has a site named %(site)s already.", name=customer.name, site=repr(name)
        )
    site = Site(
        organisation_id=customer.id,
        name=name,
        address=address.strip(),
        time_zone=check_time_zone(time_zone),
        created_at=at,
    )
    session.add(site)
    session.flush()
    return site


def get_site(session: Session, site_id: int) -> Site:
    """A site that the scope sees.

    Raises:
        NotFound: when there is none.
    """
    site = session.scalar(select(Site).where(Site.id == site_id))
    if site is None:
        raise NotFound("There is no such site.")
    return site


def change_site(session: Session, site: Site, *, name: str, time_zone: str, place: Place) -> None:
    """Gives a site another name, time zone and place; what the place leaves out is forgotten.

    Raises:
        Invalid: without a name, with an unknown time zone or an impossible place.
        Conflict: when its customer has another site of that name.
    """
    name = name.strip()
    if not name:
        raise Invalid("A site needs a name.", field="site")
    if find_site_id(session, site.organisation_id, name) not in (None, site.id):
        raise Conflict(
            "%(name)s has a site named %(site)s already.",
            name=site.organisation.name,
            site=repr(name),
        )
    checked = check_place(place)
    site.name, site.time_zone = name, check_time_zone(time_zone)
    site.address, site.country = checked.address or "", checked.country
    site.latitude, site.longitude = checked.latitude, checked.longitude
    site.telephone = checked.telephone
    session.flush()


def locate_site(site: Site, place: Place) -> None:
    """Notes where a site is, as far as the place says.

    Raises:
        Invalid: when a part of it cannot be.
    """
    checked = check_place(place)
    if checked.address is not None:
        site.address = checked.address
    if checked.country is not None:
        site.country = checked.country
    if checked.telephone is not None:
        site.telephone = checked.telephone
    if checked.latitude is not None:
        site.latitude, site.longitude = checked.latitude, checked.longitude


def check_place(place: Place) -> Place:
    """The place with its texts in order.

    Raises:
        Invalid: for a country that is not two letters, half a position, or one beyond the earth.
    """
    country = (place.country or "").strip().upper() or None
    if country is not None and not _COUNTRY.fullmatch(country):
        raise Invalid(
            "%(country)s is no country; write two letters, like DE.",
            field="country",
            country=repr(country),
        )
    telephone = (place.telephone or "").strip() or None
    if telephone is not None and not _TELEPHONE.fullmatch(telephone):
        raise Invalid(
            "%(number)s is no telephone number; write it like +49 40 123456.",
            field="telephone",
            number=repr(telephone),
        )
    _check_position(place.latitude, place.longitude)
    address = None if place.address is None else place.address.strip()
    return Place(address, country, place.latitude, place.longitude, telephone)


def _check_position(latitude: float | None, longitude: float | None) -> None:
    if (latitude is None) != (longitude is None):
        missing = "latitude" if latitude is None else "longitude"
        raise Invalid("A position needs latitude and longitude.", field=missing)
    for name, value, limit in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if value is not None and not (math.isfinite(value) and abs(value) <= limit):
            raise Invalid(
                "It lies between -%(most)s and %(most)s degrees.", field=name, most=limit
            )


def find_site_id(session: Session, organisation_id: int, name: str) -> int | None:
    """The id of the customer's site of that name, for who may put a machine there.

    A manufacturer does not see a site where none of its machines stands yet; that must not make
    it a second one.
    """
    table = Site.__table__
    query = select(table.c.id).where(
        table.c.organisation_id == organisation_id, table.c.name == name.strip()
    )
    return session.execute(query).scalar()


def find_site(session: Session, organisation_id: int, name: str) -> Site | None:
    """The customer's site of that name."""
    query = select(Site).where(Site.organisation_id == organisation_id, Site.name == name.strip())
    return session.scalar(query)


def list_sites(session: Session) -> list[Site]:
    """All sites that the scope sees, by name."""
    return list(session.scalars(select(Site).order_by(Site.name)))
