"""One company: what is agreed with it, its people and tickets; and what operators change of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiohttp import web

from gateway.organizations import SharedOrganization, shared_organizations
from gateway.web.console.context import Refused, Visit
from gateway.web.console.contracts import contract_of, contracts_shown, zone_of
from gateway.web.console.registry_changes import (
    Job,
    NotAsked,
    RegistryChange,
    if_shown,
    in_sight,
    made,
    mailbox_of,
    named_in,
    new_person,
)
from gateway.web.console.ticket_forms import WAS
from gateway.web.console.ticket_words import status_words, written_span_words
from gateway.web.console.tickets import masked_subjects
from gateway.web.pages.forms import Form
from rules.mail import Mailbox
from rules.people import Role
from rules.policy import Policy
from rules.policy.explain.service import hours
from rules.sentence import Phrase
from storage.db.database import Connection
from storage.registry import companies, directory
from storage.registry.companies import CompanyAgreement, Contract
from storage.registry.directory import ListedCompany, ListedPerson
from storage.ticket import lists
from storage.ticket.lists import OfCompany
from storage.ticket.summaries import TicketSummary

LISTED = 100
"""People on the page."""
RECENT = 20
"""Tickets on it."""


async def company(visit: Visit) -> web.Response:
    return await _company_page(visit, *await _company(visit))


async def change_company(visit: Visit) -> web.Response:
    found, agreement = await _company(visit)
    mailbox = await mailbox_of(visit, found.mailbox_id)
    done = await made(visit, mailbox, partial(_company_change, visit, agreement))
    if isinstance(done, str):
        return await _company_page(visit, *await _company(visit), done, 422)
    return visit.done(f"/companies/{found.id}", done.text, **done.values)


def _company_change(visit: Visit, known: CompanyAgreement, mailbox: Mailbox) -> RegistryChange:
    name, form = known.name, visit.form
    domains = named_in(visit, "domain")

    def agreed(shown: Callable[[CompanyAgreement], str]) -> Callable[[Connection], str]:
        return lambda c: shown(companies.company_agreement(c, mailbox, name))

    match form.get("do"):
        case "suspend" | "activate" as asked:
            active = asked == "activate"
            job: Job = partial(
                companies.set_company_active, mailbox=mailbox, name=name, active=active
            )
            text = "Its mail is taken again." if active else "Its mail is refused from now on."
            return RegistryChange(job, asked, name, text, {})
        case "add_domain" if domains:
            job = partial(companies.add_domains, mailbox=mailbox, name=name, domains=domains)
            return RegistryChange(job, f"add_domain {domains[0]}", name, "It is registered.", {})
        case "remove_domain" if domains:
            job = partial(companies.remove_domains, mailbox=mailbox, name=name, domains=domains)
            text = "{domain} is removed; the people there stay registered."
            change = f"remove_domain {domains[0]}"
            return RegistryChange(job, change, name, text, {"domain": domains[0]})
        case "add_person":
            return new_person(visit, mailbox, Role.USER, name)
        case "tier" if (policy := visit.runtime.policies.get(mailbox.policy)) is not None:
            contract = contract_of(form, policy, visit.now)
            job = partial(companies.add_contract, mailbox=mailbox, name=name, contract=contract)
            job = if_shown(form.get("was", ""), agreed(contracts_shown), job)
            text = "Tickets that arrive from {day} on have the tier {tier}; the others keep theirs."
            day = f"{contract.starts_at.astimezone(zone_of(policy)):%Y-%m-%d}"
            values = {"tier": contract.tier, "day": day}
            return RegistryChange(job, f"tier {contract.tier}", name, text, values)
        case "contacts":
            changed = _changed_contacts(form)
            job = partial(_set, changes=_contacts_of(visit, changed), mailbox=mailbox, name=name)
            was = " ".join(form.get(f"{WAS}{each}", "") for each in changed)
            job = if_shown(was, agreed(partial(_contacts_shown, names=changed)), job)
            return RegistryChange(job, "contacts", name, "The contacts are changed.", {})
        case _:
            raise NotAsked("Please choose what is changed.")


def _contacts(agreement: CompanyAgreement) -> Mapping[str, str]:
    """As their form shows them."""
    return {
        "team": " ".join(agreement.account_team),
        "manager": agreement.success_manager,
        "channel": agreement.channel,
    }


def _contacts_shown(agreement: CompanyAgreement, names: Sequence[str]) -> str:
    return " ".join(_contacts(agreement)[each] for each in names)


def _changed_contacts(form: Form) -> list[str]:
    """Those with another value than the page showed: somebody else may have changed the others
    since."""
    names = ("team", "manager", "channel")
    return [each for each in names if form.get(each, "") != form.get(f"{WAS}{each}", "")]


def _typed_contacts(form: Form, agreement: CompanyAgreement) -> Mapping[str, str]:
    """What the form of the contacts has: what its user has changed, else what is agreed now."""
    changed = _changed_contacts(form) if form.get("do") == "contacts" else ()
    return {**_contacts(agreement), **{each: form.get(each, "") for each in changed}}


def _contacts_of(visit: Visit, changed: Sequence[str]) -> list[Callable[..., None]]:
    """What sets those contacts."""
    form = visit.form
    asked: Mapping[str, Callable[..., None]] = {
        "team": partial(companies.set_account_team, addresses=named_in(visit, "team")),
        "manager": partial(companies.set_success_manager, address=form.get("manager", "").strip()),
        "channel": partial(companies.set_channel, channel=form.get("channel", "")),
    }
    return [asked[each] for each in changed]


def _set(
    connection: Connection, changes: Sequence[Callable[..., None]], mailbox: Mailbox, name: str
) -> None:
    for each in changes:
        each(connection, mailbox=mailbox, name=name)


async def _company(visit: Visit) -> tuple[ListedCompany, CompanyAgreement]:
    """The company that the path names. Raises Refused, for one of another desk as well."""
    found = await in_sight(visit, directory.company)
    if found is None:
        raise Refused(404, "There is no such company.")
    return found


async def _company_page(
    visit: Visit,
    found: ListedCompany,
    agreement: CompanyAgreement,
    error: str = "",
    status: int = 200,
) -> web.Response:
    mailbox = await mailbox_of(visit, found.mailbox_id)

    mask, sees = await visit.mask(), [each.id for each in await visit.mailboxes()]

    def look(
        connection: Connection,
    ) -> tuple[Sequence[ListedPerson], int, Sequence[TicketSummary], Sequence[SharedOrganization]]:
        registered = directory.people_of(connection, found.id, LISTED)
        number = directory.number_of_people(connection, found.id)
        which = OfCompany(found.id)
        page = lists.page(connection, mailbox, which, None, RECENT, None)
        shared = shared_organizations(connection, found.id, sees)
        return registered, number, masked_subjects(page.tickets, mask), shared

    registered, number, tickets, shared = await visit.show(look)
    policy = visit.runtime.policies.get(mailbox.policy)
    in_force = next((c for c in reversed(agreement.contracts) if c.starts_at <= visit.now), None)
    return visit.page(
        "company.html",
        status,
        company=found,
        agreement=agreement,
        mailbox=mailbox,
        people=registered,
        more=max(0, number - len(registered)),
        tickets=tickets,
        warnings=[each.warning.worded(visit.say) for each in shared],
        status_of=partial(status_words, language=visit.language),
        tiers={each.name: each.title for each in policy.tiers} if policy is not None else {},
        levels=[each.name for each in policy.levels] if policy is not None else [],
        calendars=[each.name for each in policy.calendars] if policy is not None else [],
        tier=_tier_title(policy, in_force),
        in_force=in_force,
        zone=zone_of(policy),
        hours=[each.worded(visit.say) for each in _hours(policy, in_force)],
        span_words=partial(written_span_words, say=visit.say),
        form=visit.form,
        contracts_shown=contracts_shown(agreement),
        contacts=_contacts(agreement),
        typed_contacts=_typed_contacts(visit.form, agreement),
        error=error,
    )


def _tier_title(policy: Policy | None, in_force: Contract | None) -> str:
    tier = policy.tier(in_force.tier if in_force else None) if policy is not None else None
    return tier.title if tier is not None else ""


def _hours(policy: Policy | None, in_force: Contract | None) -> Sequence[Phrase]:
    """When the company has support; nothing where nothing is promised."""
    tier = policy.tier(in_force.tier if in_force else None) if policy is not None else None
    if policy is None or tier is None:
        return ()
    name = (in_force.calendar if in_force else "") or tier.calendar
    named = {each.name: each for each in policy.calendars}
    return hours(named.get(name or "", policy.clock.calendar))
