"""Notifications: what a person was told, and whether they have seen it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Scope
from services.notifications.rules import NoticeKind


class Notification(Scoped, Base):
    """A person is told once of an entry of a ticket or an event of an offer; only they see it."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("person_id", "entry_id"),
        UniqueConstraint("person_id", "offer_event_id"),
        CheckConstraint("(ticket_id IS NULL) <> (offer_id IS NULL)", name="subject"),
        Index("ix_notification_unread", "person_id", "read_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_entry.id"))
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"), index=True)
    offer_event_id: Mapped[int | None] = mapped_column(ForeignKey("offer_event.id"))
    kind: Mapped[NoticeKind]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.person_id == scope.person_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        # The platform makes them; a person only marks their own as read.
        is_made_by_person = self in session.new or self in session.deleted
        return self.person_id == scope.person_id and not is_made_by_person
