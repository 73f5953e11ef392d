"""What a person arranged for themselves: views of a list kept by name, hints put away.

Each row belongs to one person in one organisation; nobody else sees or changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.database import Base, BigId, Scoped, get_scope
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.scope import Scope

MAX_NAME = 60
MAX_VIEWS = 30


class SavedView(Scoped, Base):
    """The state of a list, as its address holds it, under a name."""

    __tablename__ = "saved_view"
    __table_args__ = (
        Index("uq_saved_view_name", "person_id", "organisation_id", "page", "name", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    page: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    query: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return _is_own(cls, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return _owner_of(scope) == (self.person_id, self.organisation_id)


class Dismissal(Scoped, Base):
    """A hint that a person put away for good."""

    __tablename__ = "dismissal"
    __table_args__ = (
        Index("uq_dismissal_hint", "person_id", "organisation_id", "hint", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    hint: Mapped[str] = mapped_column(String(40))
    dismissed_at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return _is_own(cls, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return _owner_of(scope) == (self.person_id, self.organisation_id)


def _is_own(table: type[SavedView] | type[Dismissal], scope: Scope) -> ColumnElement[bool]:
    return and_(table.person_id == scope.person_id, table.organisation_id == scope.organisation_id)


def _owner_of(scope: Scope) -> tuple[int | None, int | None]:
    return scope.person_id, scope.organisation_id


def _get_owner(session: Session) -> tuple[int, int]:
    person_id, organisation_id = _owner_of(get_scope(session))
    if person_id is None or organisation_id is None:
        raise Forbidden("Only a person keeps views and puts hints away.")
    return person_id, organisation_id


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A kept view: its name and the parts of its address."""

    id: int
    name: str
    query: Mapping[str, str]


def list_views(session: Session, page: str) -> list[ViewRow]:
    """The views that the session's person keeps of a page, by name."""
    query = select(SavedView).where(SavedView.page == page).order_by(SavedView.name)
    return [ViewRow(each.id, each.name, each.query) for each in session.scalars(query)]


def save_view(
    session: Session, *, page: str, name: str, query: Mapping[str, str], at: datetime
) -> ViewRow:
    """Keeps a view; one of the same name is replaced.

    Raises:
        Invalid: without a name, or when too many are kept already.
    """
    person_id, organisation_id = _get_owner(session)
    name = _check_name(name)
    found = _find_view(session, page, name)
    if found is None:
        _check_room(session, page)
        found = SavedView(
            person_id=person_id,
            organisation_id=organisation_id,
            page=page,
            name=name,
            created_at=at,
        )
        session.add(found)
    found.query = dict(query)
    session.flush()
    return ViewRow(found.id, found.name, found.query)


def rename_view(session: Session, view_id: int, name: str) -> None:
    """Gives a kept view another name.

    Raises:
        NotFound: when the person keeps no such view.
        Invalid: without a name.
        Conflict: when another view has it.
    """
    view, name = _get_view(session, view_id), _check_name(name)
    other = _find_view(session, view.page, name)
    if other is not None and other.id != view.id:
        raise Conflict("Another view is called %(name)s already.", name=repr(name))
    view.name = name
    session.flush()


def delete_view(session: Session, view_id: int) -> None:
    """Forgets a kept view.

    Raises:
        NotFound: when the person keeps no such view.
    """
    session.delete(_get_view(session, view_id))
    session.flush()


def _check_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid("A view needs a name.", field="name")
    if len(name) > MAX_NAME:
        raise Invalid(
            "A view's name has at most %(most)s characters.", field="name", most=MAX_NAME
        )
    return name


def _check_room(session: Session, page: str) -> None:
    kept = session.scalar(select(func.count(SavedView.id)).where(SavedView.page == page)) or 0
    if kept >= MAX_VIEWS:
        raise Invalid(
            "You keep %(most)s views already; delete one first.", field="name", most=MAX_VIEWS
        )


def _find_view(session: Session, page: str, name: str) -> SavedView | None:
    return session.scalar(select(SavedView).where(SavedView.page == page, SavedView.name == name))


def _get_view(session: Session, view_id: int) -> SavedView:
    found = session.scalar(select(SavedView).where(SavedView.id == view_id))
    if found is None:
        raise NotFound("There is no such view.")
    return found


def is_dismissed(session: Session, hint: str) -> bool:
    """Whether the session's person put this hint away."""
    return session.scalar(select(Dismissal.id).where(Dismissal.hint == hint)) is not None


def dismiss(session: Session, hint: str, *, at: datetime) -> None:
    """Puts a hint away; doing so again changes nothing."""
    person_id, organisation_id = _get_owner(session)
    if is_dismissed(session, hint):
        return
    session.add(
        Dismissal(person_id=person_id, organisation_id=organisation_id, hint=hint, dismissed_at=at)
    )
    session.flush()
