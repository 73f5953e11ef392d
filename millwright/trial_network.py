"""The organisations and sign-ins of a trial (demo or replay), told again at each start."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.identity.models import Organisation
from foundation.identity.passwords import hash_drawn_password
from foundation.identity.people import create_organisation, create_person, find_person
from foundation.identity.scope import OrganisationKind, Role
from millwright.data_folder import DataFolder

ACCOUNTS_FILE = "accounts.json"


@dataclass(frozen=True, slots=True)
class TrialAccount:
    """A sign-in that is printed, with the organisation it is for."""

    role: str
    email: str
    password: str
    organisation: str


def get_or_create_organisation(
    session: Session, kind: OrganisationKind, name: str, time_zone: str, at: datetime
) -> Organisation:
    """The organisation of that name, made when it is new."""
    found = session.scalar(select(Organisation).where(Organisation.name == name))
    if found is not None:
        return found
    return create_organisation(session, kind=kind, name=name, at=at, time_zone=time_zone)


def get_or_create_account(
    session: Session,
    *,
    name: str,
    email: str,
    role: Role,
    organisation: Organisation,
    at: datetime,
) -> TrialAccount | None:
    """A person with a new random password; None when the person is there already."""
    if find_person(session, email) is not None:
        return None
    password = secrets.token_urlsafe(9)
    person = create_person(
        session, email=email, name=name, organisation=organisation, role=role, at=at
    )
    # The people of a history sign in hundreds of times.
    person.password_hash = hash_drawn_password(password)
    return TrialAccount(role.value, email, password, organisation.name)


def remember_accounts(
    folder: DataFolder, made: Iterable[TrialAccount | None]
) -> list[TrialAccount]:
    """The accounts of this trial: those just made, or else those made at its first start."""
    fresh = [each for each in made if each is not None]
    path = folder.path / ACCOUNTS_FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    accounts = [TrialAccount(**each) for each in known] + fresh
    if fresh:
        folder.write_private(ACCOUNTS_FILE, json.dumps([asdict(each) for each in accounts]))
    return accounts


def write_trial_facts(
    folder: DataFolder, url: str, mqtt_url: str, accounts: Iterable[TrialAccount]
) -> None:
    """Leaves demo.json in the data folder, for scripts that want to sign in or publish."""
    facts = {
        "url": url,
        "mqtt_url": mqtt_url,
        "accounts": [asdict(each) for each in accounts],
    }
    folder.write_private("demo.json", json.dumps(facts, indent=2))


def describe(url: str, mqtt_url: str, accounts: Iterable[TrialAccount]) -> str:
    """What is printed when a trial is ready."""
    lines = [f"Portal  {url}", f"MQTT    {mqtt_url}", ""]
    for each in accounts:
        role = each.role.replace("_", " ")
        lines.append(f"{role:15} {each.email:32} {each.password:14} {each.organisation}")
    return "\n".join(lines)
