"""Who acts and for which organisation: the value every session, stream and job carries.

What a scope may see is decided in devices/access.py; this is only its identity.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """What a person is within one organisation."""

    MANUFACTURER = "manufacturer"
    DEALER_MANAGER = "dealer_manager"
    TECHNICIAN = "technician"
    CUSTOMER = "customer"


class OrganisationKind(StrEnum):
    """Which of the three parties an organisation is."""

    MANUFACTURER = "manufacturer"
    DEALER = "dealer"
    CUSTOMER = "customer"


ROLES_OF_KIND = {
    OrganisationKind.MANUFACTURER: (Role.MANUFACTURER,),
    OrganisationKind.DEALER: (Role.DEALER_MANAGER, Role.TECHNICIAN),
    OrganisationKind.CUSTOMER: (Role.CUSTOMER,),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A person acting in a role for an organisation, or a part of the platform itself.

    Who looks back also sees machines that they no longer have, in the time they had them.
    """

    actor: str
    person_id: int | None = None
    organisation_id: int | None = None
    role: Role | None = None
    is_looking_back: bool = False

    @classmethod
    def system(cls, part: str) -> "Scope":
        """The platform's own work, such as ingest: sees everything, is named in the audit."""
        return cls(actor=f"system:{part}")

    @classmethod
    def of_person(cls, person_id: int, organisation_id: int, role: Role) -> "Scope":
        return cls(f"person:{person_id}", person_id, organisation_id, role)

    @property
    def is_system(self) -> bool:
        return self.role is None

    def looking_back(self) -> "Scope":
        """The same, seeing what was theirs as well."""
        return replace(self, is_looking_back=True)

    def looking_at_now(self) -> "Scope":
        """The same, seeing only what is theirs now."""
        return replace(self, is_looking_back=False) if self.is_looking_back else self
