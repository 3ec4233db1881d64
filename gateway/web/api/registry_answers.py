"""What the API answers about people and companies, as types."""

from __future__ import annotations

from pydantic import with_config
from typing_extensions import TypedDict

from gateway.web.api.answers import EXACT, Time


@with_config(EXACT)
class PersonAnswer(TypedDict):
    address: str
    name: str
    role: str
    """`user` or `staff`."""
    active: bool
    machine: bool
    language: str
    """Of their notices; empty for that of the policy."""
    notices: str
    """Of which tickets a staff person is notified; empty for all."""
    company: str
    """Empty for staff."""
    company_active: bool


@with_config(EXACT)
class PeopleAnswer(TypedDict):
    people: list[PersonAnswer]
    after: str | None
    """Leads to the next page; null on the last one."""


@with_config(EXACT)
class MailboxAnswer(TypedDict):
    address: str
    policy: str


@with_config(EXACT)
class CompanyAnswer(TypedDict):
    id: int
    mailbox: str
    name: str
    active: bool
    domains: list[str]


@with_config(EXACT)
class CompaniesAnswer(TypedDict):
    companies: list[CompanyAnswer]
    after: str | None
    """Leads to the next page; null on the last one."""


@with_config(EXACT)
class ContractAnswer(TypedDict):
    tier: str
    starts_at: Time
    targets: dict[str, dict[str, str]]
    """What is promised besides the tier: `first` and `ongoing`, spans by level."""
    calendar: str


@with_config(EXACT)
class SharedOrganizationAnswer(TypedDict):
    domain: str
    other_domain: str
    other_company: str


@with_config(EXACT)
class CompanyAgreementAnswer(CompanyAnswer):
    contracts: list[ContractAnswer]
    """The oldest first; the last one that has started is in force."""
    account_team: list[str]
    success_manager: str
    channel: str
    visibility: str
    updates_by: str
    shared_organizations: list[SharedOrganizationAnswer]
    """Domains that can be of one organization with a domain of another company here: neither
    company proves senders of the other."""
