"""Offers with their versions, terms and story; the rules they come from; customers' consent.

What the dealer alone may know (cost, bounds of the price) is a table of its own, so that no query
of anybody else can reach it. The same holds for prices, which the manufacturer does not see.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    inspect,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import (
    Act,
    Reach,
    act_condition,
    asset_condition,
    is_asset_visible,
    may,
    seen_assets,
)
from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.ownership import AssetParty, PartyKind
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Role, Scope
from services.offers.kinds.contract import ValueKind
from services.offers.rules import OPEN_STATES, OfferState, is_path


class OfferRule(Scoped, Base):
    """When which asset of a model is offered what; `version` counts the edits."""

    __tablename__ = "offer_rule"
    __table_args__ = (
        UniqueConstraint("manufacturer_id", "key"),
        CheckConstraint("control_percent BETWEEN 0 AND 50", name="control"),
        CheckConstraint("price_minor > 0 AND cost_minor >= 0", name="amounts"),
        # Nothing is switched on that was not tried on history as it stands now.
        CheckConstraint(
            "NOT is_enabled OR (backtest_version IS NOT NULL AND backtest_version = version)",
            name="tried",
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    manufacturer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    equipment_model_id: Mapped[int] = mapped_column(ForeignKey("equipment_model.id"), index=True)
    key: Mapped[str] = mapped_column(String(63))
    kind: Mapped[str] = mapped_column(String(63))
    parameters: Mapped[dict[str, Any]]
    value_kind: Mapped[ValueKind]
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int] = mapped_column(BigId)
    cost_minor: Mapped[int] = mapped_column(BigId)
    # How far the dealer may move the price up or down.
    price_range_percent: Mapped[int] = mapped_column(default=20)
    longest_payback_years: Mapped[float] = mapped_column(default=3.0)
    valid_days: Mapped[int] = mapped_column(default=30)
    max_per_quarter: Mapped[int] = mapped_column(default=3)
    quiet_days: Mapped[int] = mapped_column(default=90)
    control_percent: Mapped[int] = mapped_column(default=0)
    is_enabled: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    # A back-test somebody asked for; the worker does it, for it owns the readings.
    backtest_wanted_at: Mapped[datetime | None]
    backtest: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    backtest_version: Mapped[int | None]
    backtested_at: Mapped[datetime | None]
    searched_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    equipment_model: Mapped[EquipmentModel] = relationship()

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        if not may(scope, Act.ADMINISTER_OFFERS):
            return false()
        return cls.manufacturer_id == scope.organisation_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if not may(scope, Act.ADMINISTER_OFFERS):
            return False
        model = session.get(EquipmentModel, self.equipment_model_id)
        is_own_model = model is not None and model.manufacturer_id == scope.organisation_id
        return is_own_model and self.manufacturer_id == scope.organisation_id


class Offer(Scoped, Base):
    """What a rule found for one asset; parties are those of the time it was made."""

    __tablename__ = "offer"
    __table_args__ = (
        # Whatever runs at once, an asset has one open offer of a rule.
        Index(
            "uq_offer_open",
            "asset_id",
            "rule_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_offer_list", "state", "id"),
        CheckConstraint(
            "(ended_at IS NULL) = (state IN ('proposed', 'sent', 'seen'))", name="ended_state"
        ),
        CheckConstraint(
            "(state = 'accepted') = (accepted_version IS NOT NULL)", name="accepted_version"
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("offer_rule.id"), index=True)
    rule_version: Mapped[int]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    manufacturer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    state: Mapped[OfferState]
    value_kind: Mapped[ValueKind]
    kind: Mapped[str] = mapped_column(String(63))
    currency: Mapped[str] = mapped_column(String(3))
    # What was found: trigger, figures, steps, assumptions, benefit. Never changed afterwards.
    found: Mapped[dict[str, Any]]
    benefit: Mapped[float]
    version: Mapped[int] = mapped_column(default=1)
    accepted_version: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    found_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # What the rule watches, measured when found and again a window later.
    watched: Mapped[float]
    watched_later: Mapped[float | None]
    # What was ordered is done: when, and at how many running hours, where the asset counts them.
    done_at: Mapped[datetime | None]
    done_hours: Mapped[float | None]

    asset: Mapped[Asset] = relationship()

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return and_(asset_condition(cls.asset_id, scope, Reach.EVERYTHING), _of_party(cls, scope))

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        is_known = self not in session.new and self not in session.deleted
        if not is_known or scope.role is None or not is_asset_visible(session, self.asset_id):
            return False
        changed = _changed(self)
        if not self._is_party(scope):
            return False
        if self.state == OfferState.ACCEPTED and changed <= _CHANGED_WHEN_DONE:
            return scope.role == Role.DEALER_MANAGER
        return changed <= _CHANGED_BY.get(scope.role, frozenset()) and self._is_path(scope.role)

    def _is_party(self, scope: Scope) -> bool:
        own = self.dealer_id if scope.role == Role.DEALER_MANAGER else self.customer_id
        is_shown = self.state != OfferState.HELD_OUT
        return is_shown and own == scope.organisation_id

    def _is_path(self, role: Role) -> bool:
        history = inspect(self).attrs.state.history
        before = history.deleted[0] if history.deleted else self.state
        is_open = before in OPEN_STATES
        return is_open and (not history.deleted or is_path(before, self.state, role))


_CHANGED_BY = {
    Role.DEALER_MANAGER: frozenset(
        {"state", "version", "reason", "changed_at", "valid_until", "sent_at", "seen_at"}
        | {"ended_at"}
    ),
    Role.CUSTOMER: frozenset(
        {"state", "accepted_version", "reason", "changed_at", "seen_at", "ended_at"}
    ),
}

_CHANGED_WHEN_DONE = frozenset({"changed_at", "done_at", "done_hours"})


def _changed(offer: Offer) -> frozenset[str]:
    attributes = inspect(offer).attrs
    return frozenset(each.key for each in attributes if each.history.has_changes())


def _of_party(cls: type[Offer], scope: Scope) -> ColumnElement[bool]:
    if not may(scope, Act.SEE_OFFERS):
        return false()
    if scope.role == Role.MANUFACTURER:
        return cls.manufacturer_id == scope.organisation_id
    if scope.role == Role.CUSTOMER:
        return and_(cls.customer_id == scope.organisation_id, cls.sent_at.is_not(None))
    return and_(cls.dealer_id == scope.organisation_id, cls.state != OfferState.HELD_OUT)


class OfferVersion(Scoped, Base):
    """What an offer said at one time; the manufacturer does not see at which price."""

    __tablename__ = "offer_version"
    __table_args__ = (
        UniqueConstraint("offer_id", "number"),
        CheckConstraint("price_minor > 0", name="price"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(String(3))
    price_minor: Mapped[int] = mapped_column(BigId)
    made_at: Mapped[datetime]
    # None until it was before the customer.
    sent_at: Mapped[datetime | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return or_(
            and_(cls.dealer_id == scope.organisation_id, act_condition(scope, Act.CHECK_OFFERS)),
            and_(
                cls.customer_id == scope.organisation_id,
                cls.sent_at.is_not(None),
                act_condition(scope, Act.ANSWER_OFFERS),
            ),
        )

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        offer = session.get(Offer, self.offer_id)
        if offer is None or not may(scope, Act.CHECK_OFFERS):
            return False
        is_own = (self.dealer_id, offer.dealer_id) == (scope.organisation_id,) * 2
        is_same = self.customer_id == offer.customer_id
        return is_own and is_same and self._is_fresh(session)

    def _is_fresh(self, session: Session) -> bool:
        # A version is written once; later it only becomes sent.
        if self in session.new:
            return True
        changed = {each.key for each in inspect(self).attrs if each.history.has_changes()}
        return self not in session.deleted and changed <= {"sent_at"}


class OfferTerms(Scoped, Base):
    """What the dealer alone knows of an offer: what it costs them, how far the price may go."""

    __tablename__ = "offer_terms"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), unique=True)
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    currency: Mapped[str] = mapped_column(String(3))
    cost_minor: Mapped[int] = mapped_column(BigId)
    lowest_minor: Mapped[int] = mapped_column(BigId)
    highest_minor: Mapped[int] = mapped_column(BigId)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return and_(cls.dealer_id == scope.organisation_id, act_condition(scope, Act.CHECK_OFFERS))

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del scope, session
        return False


class OfferEvent(Scoped, Base):
    """One line of an offer's story; never changed afterwards."""

    __tablename__ = "offer_event"
    __table_args__ = (Index("ix_offer_event_story", "offer_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    # What was done: a move of the offer or of its order; `found` when the platform made it.
    act: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    is_for_customer: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(String(40))
    text: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return or_(
            and_(cls.dealer_id == scope.organisation_id, act_condition(scope, Act.CHECK_OFFERS)),
            and_(
                cls.customer_id == scope.organisation_id,
                cls.is_for_customer,
                act_condition(scope, Act.ANSWER_OFFERS),
            ),
        )

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if self not in session.new or not may(scope, Act.SEE_OFFERS):
            return False
        is_own = (self.person_id, self.organisation_id) == (scope.person_id, scope.organisation_id)
        offer = session.get(Offer, self.offer_id)
        parties = (self.dealer_id, self.customer_id)
        is_same = offer is not None and parties == (offer.dealer_id, offer.customer_id)
        return is_own and is_same and scope.organisation_id in parties


class OfferConsent(Scoped, Base):
    """A customer lets their machines' readings be used for offers, from one time to another."""

    __tablename__ = "offer_consent"
    __table_args__ = (
        Index(
            "uq_offer_consent_open",
            "organisation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    given_at: Mapped[datetime]
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return or_(
            cls.organisation_id == scope.organisation_id,
            and_(cls.organisation_id.in_(_served(scope)), act_condition(scope, Act.CHECK_OFFERS)),
        )

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        is_own = self.organisation_id == scope.organisation_id
        return is_own and may(scope, Act.ANSWER_OFFERS) and self not in session.deleted


def _served(scope: Scope) -> Select[int]:
    """The owners of the assets that the scope's organisation sees now."""
    # Core tables, so that the guard does not filter the filter itself.
    party = AssetParty.__table__
    return select(party.c.organisation_id).where(
        party.c.kind == PartyKind.OWNER,
        party.c.to_at.is_(None),
        party.c.asset_id.in_(seen_assets(scope)),
    )
