"""How far a machine's normal-period model has come; training.py does the learning."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.assets import Asset
from foundation.clock import from_ms
from telemetry.scoring_state import FittedModel
from telemetry.store.contract import Store
from telemetry.training import NORMAL_PERIOD, read_plan


@dataclass(frozen=True, slots=True)
class Learning:
    """Readings used, or there so far, out of those wanted; the period they come from once fitted.

    `fitted_at` is None while the machine is still being learned.
    """

    n_readings: int
    wanted: int
    from_at: datetime | None = None
    until_at: datetime | None = None
    fitted_at: datetime | None = None

    @property
    def is_fitted(self) -> bool:
        return self.fitted_at is not None


def find_learning(session: Session, store: Store, asset: Asset) -> Learning | None:
    """How far the asset is learned; None when its equipment model has no normal period.

    Raises:
        Unavailable: when the store does not answer.
    """
    plan = read_plan(asset.equipment_model)
    if plan is None:
        return None
    wanted = plan.settings.normal_readings
    query = select(FittedModel).where(
        FittedModel.asset_id == asset.id, FittedModel.detector == NORMAL_PERIOD
    )
    fitted = session.scalar(query)
    if fitted is None:
        span = store.span(asset.equipment_model.key, asset.id)
        return Learning(min(span[2] if span else 0, wanted), wanted)
    return Learning(
        n_readings=fitted.n_readings,
        wanted=wanted,
        from_at=from_ms(fitted.trained_from_ms),
        until_at=from_ms(fitted.trained_until_ms),
        fitted_at=fitted.fitted_at,
    )
