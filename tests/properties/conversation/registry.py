"""What a careful person would know of those who write to one desk: the roll of its people."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from tests.properties.conversation.people import Cast, domain_of


class Standing(Enum):
    USER = auto()
    STAFF = auto()
    COLLEAGUE = auto()
    """Of a company's domain, but not registered."""
    DEACTIVATED = auto()
    SUSPENDED = auto()
    STRANGER = auto()


@dataclass
class Roll:
    cast: Cast
    enrolled: dict[str, str] = field(default_factory=dict)
    """Users since then, each with his company."""
    deactivated: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    """Companies."""
    hard: dict[str, int] = field(default_factory=dict)
    """Notices that failed for good, by address."""

    def is_staff(self, address: str) -> bool:
        return address in self.cast.staff

    def is_user(self, address: str) -> bool:
        return address in self.cast.users or address in self.enrolled

    def is_registered(self, address: str) -> bool:
        return self.is_staff(address) or self.is_user(address)

    def company_by_domain(self, address: str) -> str | None:
        return self.cast.domains.get(domain_of(address))

    def company_of(self, address: str) -> str | None:
        """The one that he is registered for; of somebody unknown, the one of his domain."""
        if self.is_staff(address):
            return None
        by_name = self.cast.users.get(address) or self.enrolled.get(address)
        return by_name or self.company_by_domain(address)

    def is_of_nobody(self, address: str) -> bool:
        """Neither registered nor of any company, an active one or a suspended one."""
        return not self.is_registered(address) and self.company_by_domain(address) is None

    def knows_domain(self, address: str) -> bool:
        """Whether a company has the address's domain, or anybody registered an address of it."""
        people = (*self.cast.users, *self.cast.staff, *self.enrolled)
        domain = domain_of(address)
        return domain in self.cast.domains or any(domain_of(one) == domain for one in people)

    def standing(self, address: str) -> Standing:
        if address in self.deactivated:
            return Standing.DEACTIVATED
        if self.is_staff(address):
            return Standing.STAFF
        company = self.company_of(address)
        if self.is_user(address):
            return Standing.SUSPENDED if company in self.suspended else Standing.USER
        known = company is not None and company not in self.suspended
        return Standing.COLLEAGUE if known else Standing.STRANGER

    def bounces(self, address: str) -> bool:
        return self.hard.get(address, 0) >= 2

    def is_reached(self, address: str) -> bool:
        """Whether any mail goes to an address."""
        closed = self.standing(address) in (Standing.DEACTIVATED, Standing.SUSPENDED)
        return not closed and not self.bounces(address)

    @property
    def enrollable(self) -> list[str]:
        return [a for a in self.cast.unenrolled if not self.is_registered(a)]
