"""Requests to register or change companies and people over the API, each as one value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, model_validator

from gateway.ticket_requests import Addresses, Line, RequestModel
from rules.people import Role, StaffNotices

LONGEST_NAME = 200
MOST_DOMAINS = 100
MOST_LEVELS = 50
YEARS = range(2000, 2200)


def _storable(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise ValueError(f"must be a time from {YEARS[0]} to {YEARS[-1]}")
    return at.astimezone(UTC)


Name = Annotated[Line, Field(max_length=LONGEST_NAME)]
Domains = Annotated[tuple[Line, ...], Field(max_length=MOST_DOMAINS)]
Spans = Annotated[dict[Line, Line], Field(max_length=MOST_LEVELS)]
"""Such as `2 business hours`, by the name or alias of a level."""


class NewMailbox(RequestModel):
    """An address at which mail is taken."""

    address: Line
    policy: Line = "default"
    """The name of a policy that is in force."""


class NewCompany(RequestModel):
    """A company to register."""

    name: Annotated[Name, Field(min_length=1)]
    domains: Domains = ()
    """The mail domains that it owns."""


class _Patch(RequestModel):
    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError("no change is named; name one, such as active")
        return self


class CompanyPatch(_Patch):
    """A change of a company; a key that is left out changes nothing."""

    active: StrictBool | None = None
    """False suspends it: the mail of its users is refused."""
    remove_domains: Domains = ()
    """The people there stay registered."""
    add_domains: Domains = ()
    account_team: Addresses | None = None
    """Who may be notified of new tickets; an empty list for nobody."""
    success_manager: Line | None = None
    """Who may be notified of escalations; empty for nobody."""
    channel: Line | None = None
    """The way of contact that it prefers, as free text."""
    visibility: Literal["company", "private", ""] | None = None
    """Who of it reads its tickets; empty for what the policy says."""
    updates_by: Literal["manager", ""] | None = None
    """`manager` where the success manager gets the answers at high severity too."""


class NewContract(RequestModel):
    """What is agreed with a company from a time on; tickets keep the tier that they have."""

    tier: Line
    """A tier of the mailbox's policy."""
    starts_at: Annotated[AwareDatetime, AfterValidator(_storable)] | None = None
    """Now, where it is left out. A contract with the same start is replaced."""
    first: Spans = Field(default_factory=dict)
    """First response times instead of the tier's."""
    ongoing: Spans = Field(default_factory=dict)
    """The same for each later response."""
    calendar: Line = ""
    """A calendar of the policy; empty for the tier's."""


class NewPersonRequest(RequestModel):
    """A person to register."""

    address: Annotated[Line, Field(min_length=1)]
    name: Name = ""
    role: Role = Role.USER
    company: Line = ""
    """The name of a user's company; empty for staff."""
    machine: StrictBool = False
    """A user that is a program, whose automatic mail may open tickets."""
    anywhere: StrictBool = False
    """The address may be outside the company's domains."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.role is Role.USER and not self.company:
            raise ValueError("company: a user belongs to one; send its name")
        if self.role is Role.STAFF and (self.company or self.machine or self.anywhere):
            raise ValueError("company, machine and anywhere are for users; omit them for staff")
        return self


class PersonPatch(_Patch):
    """A change of a person; a key that is left out changes nothing."""

    active: StrictBool | None = None
    """False refuses their mail; their tickets stay."""
    language: Line | None = None
    """Of their notices; empty for that of the policy."""
    notices: StaffNotices | None = None
    """Of which tickets a staff person is notified."""
