"""Who acts: the one identity that a credential proves and that every transaction is stamped with."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
PersonId = NewType("PersonId", UUID)
"""A staff member's or a cleaner's id: whoever `Actor.person` can name."""
StaffId = NewType("StaffId", UUID)
CleanerId = NewType("CleanerId", UUID)
SessionId = NewType("SessionId", UUID)

NOBODY = UUID(int=0)
"""Stands for "no person" and "no session" where the stamp needs a value; no row ever has this id."""

PLATFORM_TENANT = TenantId(UUID("00000000-0000-7000-8000-000000000001"))
"""The reserved tenant in which the platform's own ops users live."""


class Role(StrEnum):
    """What an actor may be (R20); the matrix of what each may see and do is enforced by policies and commands."""

    OWNER = "owner"
    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    CLEANER = "cleaner"
    CUSTOMER = "customer"
    INTEGRATOR = "integrator"
    OPS = "ops"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


class StaffRole(StrEnum):
    """The roles that a member of an office can have."""

    OWNER = "owner"
    ADMIN = "admin"
    DISPATCHER = "dispatcher"


ADMINS = frozenset({Role.OWNER, Role.ADMIN})
OFFICE = frozenset({Role.OWNER, Role.ADMIN, Role.DISPATCHER})
SIGNED_IN = frozenset(Role) - {Role.ANONYMOUS, Role.SYSTEM}


@dataclass(frozen=True, slots=True)
class Actor:
    """One tenant, one person, one role, one session. Made by `app.auth` from a credential, and nowhere else (R1)."""

    tenant: TenantId
    role: Role
    person: UUID = NOBODY
    session: UUID = NOBODY
    scopes: frozenset[str] = frozenset()

    @property
    def cleaner_id(self) -> CleanerId:
        """The acting cleaner; only meaningful for a command that declares `Role.CLEANER`."""
        return CleanerId(self.person)

    @classmethod
    def anonymous(cls, tenant: TenantId) -> "Actor":
        """Before sign-in: sees credential rows of the tenant that the credential names, and nothing else."""
        return cls(tenant, Role.ANONYMOUS)

    @classmethod
    def system(cls, tenant: TenantId) -> "Actor":
        """The installation itself, working for one tenant: tasks and duties."""
        return cls(tenant, Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a wish comes from, as far as the edge knows: what a signature is kept with (R132)."""

    address: str = ""
    """The network address of the client."""
    device: str = ""
    """What the client says it is: its user agent."""


NOWHERE = Origin()
"""Of wishes that the installation itself has."""

LONGEST_DEVICE = 300


def origin_of(address: str, agent: str) -> Origin:
    """An origin of printable text of bounded length, whatever a client sends."""
    return Origin(address, "".join(each for each in agent if each.isprintable())[:LONGEST_DEVICE])
