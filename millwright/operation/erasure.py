"""Removes a customer for good: its people, machines, tickets, jobs and samples; the audit stays.

What refers to something removed goes with it where the reference is needed, and forgets it where
it is not. References are read from the tables themselves, so a new table is never left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.ownership import AssetParty, PartyKind
from foundation import audit
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.people import get_organisation
from foundation.identity.scope import OrganisationKind, Scope
from foundation.jobs import Job
from millwright.schema import METADATA
from telemetry.store.contract import Store

SYSTEM = Scope.system("erasure")
AT_ONCE = 500
# The audit is the proof of what was done; it names things by their numbers.
_KEPT = frozenset({"audit_row", "audit_seal", "job"})
_MEANT = {"entry": "ticket_entry", "event": "offer_event"}

Ids = Mapping[str, set[Any]]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What would be removed: per table how many rows, and the assets with samples."""

    organisation_id: int
    name: str
    rows: dict[str, int]
    assets: tuple[int, ...]


def plan(session: Session, name: str) -> Erasure:
    """What the removal of an organisation means.

    Raises:
        NotFound: when there is none of that name.
        Conflict: when others would lose something of theirs.
    """
    organisation = get_organisation(session, name)
    ids, jobs = _find_all(session, organisation)
    counts = {table: len(found) for table, found in ids.items() if found} | {"job": len(jobs)}
    return Erasure(organisation.id, name, counts, tuple(sorted(ids["asset"])))


def erase(database: Database, store: Store, clock: Clock, name: str) -> Erasure:
    """Removes an organisation. Samples go first: broken off, it can be begun again.

    Raises:
        NotFound, Conflict: as `plan` does.
    """
    with database.session(SYSTEM) as session:
        planned = plan(session, name)
    store.forget(planned.assets)
    with database.transaction(SYSTEM) as session:
        planned = plan(session, name)
        ids, jobs = _find_all(session, get_organisation(session, name))
        _remove(session, ids, jobs)
        audit.record(
            session,
            at=clock.now(),
            action="command:organisation:erase",
            subject_kind="organisation",
            subject_id=planned.organisation_id,
            details={"rows": planned.rows},
        )
    # What devices sent in between.
    store.forget(planned.assets)
    return planned


def _find_all(session: Session, organisation: Organisation) -> tuple[Ids, list[int]]:
    ids: defaultdict[str, set[Any]] = defaultdict(set)
    ids["organisation"].add(organisation.id)
    ids["asset"] |= _own_assets(session, organisation)
    ids["person"] |= _own_people(session, organisation)
    if organisation.kind != OrganisationKind.CUSTOMER:
        _refuse_if_needed(session, organisation)
    emails = set(_column(session, Person.email, Person.id, ids["person"]))
    for table in METADATA.sorted_tables:
        if table.name not in _KEPT:
            ids[table.name] |= _find_rows(session, table, ids)
    failures = METADATA.tables["login_failure"]
    ids["login_failure"] |= set(_column(session, failures.c.id, failures.c.email, emails))
    return ids, _find_jobs(session, ids)


def _own_assets(session: Session, organisation: Organisation) -> set[int]:
    parties = session.scalars(
        select(AssetParty).where(AssetParty.organisation_id == organisation.id)
    ).all()
    if organisation.kind != OrganisationKind.CUSTOMER:
        return set()
    own = {each.asset_id for each in parties}
    others = session.scalars(
        select(AssetParty.asset_id).where(
            AssetParty.kind == PartyKind.OWNER,
            AssetParty.asset_id.in_(own),
            AssetParty.organisation_id != organisation.id,
        )
    ).all()
    if others:
        raise Conflict(
            "%(count)s machines of %(name)s belonged to others as well; they keep them.",
            count=len(set(others)),
            name=organisation.name,
        )
    return own


def _refuse_if_needed(session: Session, organisation: Organisation) -> None:
    """Refuses to take a maker or dealer away from those whose machines they stand behind."""
    served = select(AssetParty.id).where(AssetParty.organisation_id == organisation.id)
    made = (
        select(Asset.id)
        .join(EquipmentModel, EquipmentModel.id == Asset.equipment_model_id)
        .where(EquipmentModel.manufacturer_id == organisation.id)
    )
    if any(session.scalar(each.limit(1)) is not None for each in (served, made)):
        raise Conflict(
            "Machines depend on %(name)s; hand them over first.", name=organisation.name
        )


def _own_people(session: Session, organisation: Organisation) -> set[int]:
    here = select(Membership.person_id).where(Membership.organisation_id == organisation.id)
    elsewhere = select(Membership.person_id).where(Membership.organisation_id != organisation.id)
    return set(session.scalars(here)) - set(session.scalars(elsewhere))


def _find_rows(session: Session, table: Table, ids: Ids) -> set[Any]:
    """Keys of the rows that cannot be without something removed; found table by table."""
    key = list(table.primary_key.columns)
    found: set[Any] = set()
    for column, target in _references(table):
        if not column.nullable:
            for part in _parts(ids.get(target, ())):
                rows = session.execute(select(*key).where(column.in_(part)))
                found |= {row[0] if len(key) == 1 else tuple(row) for row in rows}
    return found


def _references(table: Table) -> Iterator[tuple[ColumnElement[Any], str]]:
    """Columns that name another table's row, by a foreign key or by their own name alone."""
    for column in table.columns:
        keys = [each.column.table.name for each in column.foreign_keys]
        named = column.name.removesuffix("_id") if column.name.endswith("_id") else ""
        target = keys[0] if keys else _MEANT.get(named, named)
        if target in METADATA.tables:
            yield column, target


def _find_jobs(session: Session, ids: Ids) -> list[int]:
    found = []
    for number, payload in session.execute(select(Job.id, Job.payload)):
        for name, value in payload.items():
            named = name.removesuffix("_id")
            if value in ids.get(_MEANT.get(named, named), ()):
                found.append(number)
    return found


def _remove(session: Session, ids: Ids, jobs: Iterable[int]) -> None:
    tables = [each for each in reversed(METADATA.sorted_tables) if each.name not in _KEPT]
    for table in tables:
        _forget_references(session, table, ids)
    for table in tables:
        for part in _parts(ids.get(table.name, ())):
            session.execute(delete(table).where(_is_one_of(table, part)))
    for part in _parts(jobs):
        session.execute(delete(Job).where(Job.id.in_(part)))


def _forget_references(session: Session, table: Table, ids: Ids) -> None:
    for column, target in _references(table):
        if column.nullable:
            for part in _parts(ids.get(target, ())):
                session.execute(update(table).where(column.in_(part)).values({column.key: None}))


def _is_one_of(table: Table, keys: list[Any]) -> ColumnElement[bool]:
    columns = list(table.primary_key.columns)
    if len(columns) == 1:
        return columns[0].in_(keys)
    pairs = [[column == value for column, value in zip(columns, key, strict=True)] for key in keys]
    return or_(*(pair[0] & _all(pair[1:]) for pair in pairs))


def _all(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    first, *others = conditions
    return first & _all(others) if others else first


def _column(session: Session, wanted: Any, known: Any, values: Iterable[Any]) -> Iterator[Any]:
    for part in _parts(values):
        yield from session.scalars(select(wanted).where(known.in_(part)))


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    every = sorted(values)
    for first in range(0, len(every), AT_ONCE):
        yield every[first : first + AT_ONCE]
