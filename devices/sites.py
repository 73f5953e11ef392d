"""Sites: places of a customer where assets stand, with the time zone of their times."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import Act, AssetVisibility, may
from foundation.database import Base, BigId, Scoped
from foundation.errors import Conflict, Invalid
from foundation.identity.models import Organisation
from foundation.identity.people import check_time_zone
from foundation.identity.scope import OrganisationKind, Scope


class Site(Scoped, Base):
    """A plant, hall or yard of a customer."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(400), default="")
    time_zone: Mapped[str] = mapped_column(String(60))
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
    visible = AssetVisibility.__table__
    return (
        select(asset.c.site_id)
        .join(visible, visible.c.asset_id == asset.c.id)
        .where(visible.c.organisation_id == scope.organisation_id, visible.c.to_at.is_(None))
    )


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
