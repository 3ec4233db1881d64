"""The expected registry of one mailbox: its users and staff, and which accounts are closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from tests.properties.conversation.people import MailboxPeople, domain_of


class AccountState(Enum):
    """How a mailbox regards an address."""

    USER = auto()
    STAFF = auto()
    COLLEAGUE = auto()
    """In a company's domain, but not registered."""
    DEACTIVATED = auto()
    SUSPENDED = auto()
    STRANGER = auto()


@dataclass
class ExpectedRegistry:
    """The people of a mailbox at the start, and what has changed since."""

    people: MailboxPeople
    enrolled: dict[str, str] = field(default_factory=dict)
    """The company of each user who enrolled since the start."""
    deactivated: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    """Names of companies."""
    hard_bounces: dict[str, int] = field(default_factory=dict)
    """The number of permanently failed notices by address."""

    def is_staff(self, address: str) -> bool:
        return address in self.people.staff

    def is_user(self, address: str) -> bool:
        return address in self.people.users or address in self.enrolled

    def is_registered(self, address: str) -> bool:
        return self.is_staff(address) or self.is_user(address)

    def company_by_domain(self, address: str) -> str | None:
        return self.people.domains.get(domain_of(address))

    def company_of(self, address: str) -> str | None:
        """The company of a user; for an unknown address, the company of its domain."""
        if self.is_staff(address):
            return None
        registered = self.people.users.get(address) or self.enrolled.get(address)
        return registered or self.company_by_domain(address)

    def is_outsider(self, address: str) -> bool:
        """Whether an address is neither registered nor in the domain of any company."""
        return not self.is_registered(address) and self.company_by_domain(address) is None

    def knows_domain(self, address: str) -> bool:
        """Whether the address's domain belongs to a company or to a registered person."""
        registered = (*self.people.users, *self.people.staff, *self.enrolled)
        domain = domain_of(address)
        return domain in self.people.domains or any(domain_of(one) == domain for one in registered)

    def account_state(self, address: str) -> AccountState:
        if address in self.deactivated:
            return AccountState.DEACTIVATED
        if self.is_staff(address):
            return AccountState.STAFF
        company = self.company_of(address)
        if self.is_user(address):
            return AccountState.SUSPENDED if company in self.suspended else AccountState.USER
        known = company is not None and company not in self.suspended
        return AccountState.COLLEAGUE if known else AccountState.STRANGER

    def is_suppressed(self, address: str) -> bool:
        return self.hard_bounces.get(address, 0) >= 2

    def receives_mail(self, address: str) -> bool:
        """Whether any mail is sent to an address."""
        closed = self.account_state(address) in (AccountState.DEACTIVATED, AccountState.SUSPENDED)
        return not closed and not self.is_suppressed(address)

    @property
    def enrollable(self) -> list[str]:
        return [a for a in self.people.unenrolled if not self.is_registered(a)]
