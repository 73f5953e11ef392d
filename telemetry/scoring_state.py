"""How far each asset was scored, what its detectors carry over, and the models fitted to it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base, BigId


class ScoringState(Base):
    """The watermark: samples up to `scored_until_ms` (included) have had their effect.

    `carried` holds each condition's state at that time; it is written in the transaction that
    raises or clears the alarms, so scoring can stop anywhere and go on.
    """

    __tablename__ = "scoring_state"

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    scored_until_ms: Mapped[int] = mapped_column(BigId)
    carried: Mapped[dict[str, Any]]


class FittedModel(Base):
    """A detector fitted to an asset's normal period; plain numbers, never pickled."""

    __tablename__ = "fitted_model"
    __table_args__ = (UniqueConstraint("asset_id", "detector"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    detector: Mapped[str] = mapped_column(String(40))
    settings: Mapped[dict[str, Any]]
    fitted: Mapped[dict[str, Any]]
    trained_from_ms: Mapped[int] = mapped_column(BigId)
    trained_until_ms: Mapped[int] = mapped_column(BigId)
    n_readings: Mapped[int]
    fitted_at: Mapped[datetime]
