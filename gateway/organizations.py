"""Companies whose domains can be of one organization, which an operator may have registered twice.

What a domain of one company signs or sends proves nobody of another, so that mail of a customer who
is registered as two is held or refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.authentication.suffixes import may_be_one_organisation, organisation_of
from rules.sender.neighbours import names_above
from rules.sentence import Phrase, phrase
from storage.db.database import Connection
from storage.registry import companies


@dataclass(frozen=True, slots=True)
class SharedOrganization:
    """A domain of a company, and one of another company that can be of the same organization."""

    domain: str
    other_domain: str
    other_company: str

    @property
    def warning(self) -> Phrase:
        if self.domain == self.other_domain:  # at two mailboxes
            return phrase(
                "{domain} is a domain of {company} at another mailbox. What a domain of one "
                "company signs or sends proves nobody of another: give a customer the same name at "
                "each mailbox.",
                domain=self.domain,
                company=self.other_company,
            )
        return phrase(
            "{domain} and {other}, a domain of {company}, can be of one organization. What a "
            "domain of one company signs or sends proves nobody of another: register a customer as "
            "one company with all of its domains.",
            domain=self.domain,
            other=self.other_domain,
            company=self.other_company,
        )


def shared_organizations(
    connection: Connection, company: int, mailboxes: Collection[int]
) -> list[SharedOrganization]:
    """The domains of a company that can be of one organization with those of other companies at
    these mailboxes, each with the first of these: with its own where another has that as well."""
    own = companies.domains_of(connection, company)
    around = companies.domains_around(
        connection,
        company,
        mailboxes,
        below={organisation_of(domain) for domain in own},
        exactly={name for domain in own for name in names_above(domain)},
    )
    found = []
    for domain in own:
        others = [each for each in around if may_be_one_organisation(domain, each.domain)]
        if others:
            first = min(others, key=lambda each: each.domain != domain)
            found.append(SharedOrganization(domain, first.domain, first.company))
    return found
