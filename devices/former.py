"""Machines that an organisation once owned or served, in the periods that were its own.

Everything here is asked by a session whose scope looks back.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.access import AssetVisibility, Reach, list_readable
from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from foundation.database import get_scope
from foundation.errors import NotFound
from foundation.intervals import Interval


@dataclass(frozen=True, slots=True)
class FormerMachine:
    """A machine as it is named by its maker, with the periods that the reader had it."""

    id: int
    serial: str
    equipment_model: str
    periods: tuple[Interval, ...]

    @property
    def end(self) -> Interval:
        """The last of the periods."""
        return self.periods[-1]


def list_former_machines(session: Session) -> list[FormerMachine]:
    """The machines that the scope saw once and sees no more, by serial number."""
    former = select(AssetVisibility.asset_id).where(
        AssetVisibility.organisation_id == get_scope(session).organisation_id,
        AssetVisibility.is_shown.is_(False),
        AssetVisibility.reach != Reach.EXISTENCE,
    )
    query = (
        select(Asset.id, Asset.serial, EquipmentModel)
        .join(EquipmentModel, EquipmentModel.id == Asset.equipment_model_id)
        .where(Asset.id.in_(former))
        .order_by(Asset.serial, Asset.id)
    )
    return [
        FormerMachine(asset_id, serial, model.title, _periods(session, asset_id))
        for asset_id, serial, model in session.execute(query)
    ]


def get_former_machine(session: Session, asset_id: int) -> FormerMachine:
    """One of them.

    Raises:
        NotFound: when it was never the scope's, or still is.
    """
    found = {each.id: each for each in list_former_machines(session)}
    if asset_id not in found:
        raise NotFound("There is no such machine.")
    return found[asset_id]


def _periods(session: Session, asset_id: int) -> tuple[Interval, ...]:
    readable = list_readable(session, asset_id) or ()
    return tuple(dict.fromkeys(each.period for each in readable))
