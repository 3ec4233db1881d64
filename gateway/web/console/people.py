"""Companies and people, found; and one person, with their last mails and tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web

from gateway.outgoing.mime import one_line
from gateway.web.console.context import Refused, Visit
from gateway.web.console.journal import ShownLine, writer_for
from gateway.web.console.notice_words import preference_words
from gateway.web.console.registry_changes import (
    LONGEST_TEXT,
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
from gateway.web.console.ticket_words import status_words
from gateway.web.console.tickets import masked_subjects
from rules.mail import Mailbox
from rules.mail.language import KNOWN as LANGUAGES
from rules.people import Role
from storage.db.database import Connection
from storage.mail import journal_pages
from storage.registry import companies, directory, people
from storage.registry.directory import ListedCompany, ListedPerson
from storage.ticket import lists
from storage.ticket.lists import PAGE_LIMITS, CopiedTo, Page, RequestedBy

LISTED = 100
"""Companies on one page, and people."""
RECENT = 20
"""Mails and tickets of a person."""


async def listing(visit: Visit) -> web.Response:
    return await _listing(visit)


async def register(visit: Visit) -> web.Response:
    """Register a company, or a staff member."""
    mailboxes = await visit.mailboxes()
    named = visit.form.get("mailbox", "")
    mailbox = next((each for each in mailboxes if named in ("", each.address)), None)
    done = await made(visit, mailbox, partial(_registration, visit))
    if isinstance(done, str):
        return await _listing(visit, done, 422)
    return visit.done(done.path or "/people", done.text, **done.values)


def _registration(visit: Visit, mailbox: Mailbox) -> RegistryChange:
    name = one_line(visit.form.get("name", ""), LONGEST_TEXT)
    match visit.form.get("do"):
        case "company" if name:
            domains = named_in(visit, "domains")
            job: Job = partial(companies.add_company, mailbox=mailbox, name=name, domains=domains)
            text = "{name} is registered. Its people, its tier and its contacts are set here."
            values = {"name": name}
            return RegistryChange(job, "company_added", name, text, values, "/companies/{id}")
        case "staff":
            return new_person(visit, mailbox, Role.STAFF, None)
        case _:
            raise NotAsked("Please give a name, or an address.")


async def _listing(visit: Visit, error: str = "", status: int = 200) -> web.Response:
    mailboxes = {each.id: each for each in await visit.mailboxes()}
    asked = one_line(visit.request.query.get("text", ""), LONGEST_TEXT).strip()

    def look(
        connection: Connection,
    ) -> tuple[Sequence[ListedCompany], Sequence[ListedPerson]]:
        found = directory.find_companies(connection, mailboxes, asked, LISTED + 1)
        return found, directory.find_people(connection, mailboxes, asked, LISTED + 1)

    found_companies, found_people = await visit.show(look)
    return visit.page(
        "people.html",
        status,
        text=asked,
        companies=found_companies[:LISTED],
        people=found_people[:LISTED],
        more_companies=len(found_companies) > LISTED,
        more_people=len(found_people) > LISTED,
        listed=LISTED,
        mailboxes=mailboxes,
        form=visit.form,
        wanted={each: visit.request.query.get(each, "") for each in ("staff", "mailbox")},
        error=error,
    )


async def person(visit: Visit) -> web.Response:
    return await _person_page(visit, await _person(visit))


async def change_person(visit: Visit) -> web.Response:
    found = await _person(visit)
    mailbox = await mailbox_of(visit, found.mailbox_id)
    done = await made(visit, mailbox, partial(_person_change, visit, found))
    if isinstance(done, str):
        return await _person_page(visit, await _person(visit), done, 422)
    return visit.done(f"/people/{found.id}", done.text, **done.values)


def _person_change(visit: Visit, known: ListedPerson, mailbox: Mailbox) -> RegistryChange:
    match visit.form.get("do"):
        case "deactivate" | "activate" as asked:
            active = asked == "activate"
            job: Job = partial(
                people.set_person_active,
                mailbox=mailbox,
                role=known.role,
                address=known.address,
                active=active,
            )
            text = "Their mail is taken again." if active else "Their mail is refused from now on."
            return RegistryChange(job, asked, known.address, text, {})
        case "language":
            language = visit.form.get("language", "")
            job = partial(
                people.set_language,
                mailbox=mailbox,
                role=known.role,
                address=known.address,
                language=language,
            )
            job = if_shown(visit.form.get("was", ""), partial(_language, found=known), job)
            change = f"language {language}"
            return RegistryChange(job, change, known.address, "The language is changed.", {})
        case _:
            raise NotAsked("Please choose what is changed.")


def _language(connection: Connection, found: ListedPerson) -> str:
    now = directory.person(connection, mailboxes=[found.mailbox_id], number=found.id)
    return now.language if now is not None else ""


async def _person(visit: Visit) -> ListedPerson:
    """The person that the path names. Raises Refused, for one of another desk as well."""
    found = await in_sight(visit, directory.person)
    if found is None:
        raise Refused(404, "There is no such person.")
    return found


async def _person_page(
    visit: Visit, found: ListedPerson, error: str = "", status: int = 200
) -> web.Response:
    mailbox = await mailbox_of(visit, found.mailbox_id)
    address = found.address

    writer = await writer_for(visit)

    def look(connection: Connection) -> tuple[Sequence[ShownLine], list[Page]]:
        mails = journal_pages.taken_of(connection, mailbox.id, address, RECENT)
        pages = []
        for which in (RequestedBy(address), CopiedTo(address)):
            page = lists.page(connection, mailbox, which, None, RECENT, None)
            pages.append(replace(page, tickets=masked_subjects(page.tickets, writer.mask)))
        return [writer.shown(mail) for mail in mails], pages

    lines, (requested, copied) = await visit.show(look)
    return visit.page(
        "person.html",
        status,
        person=found,
        notices=preference_words(found.notices, visit.say),
        mailbox=mailbox,
        lines=lines,
        several=False,
        requested=requested.tickets,
        status_of=partial(status_words, language=visit.language),
        copied=copied,
        examined=f"{PAGE_LIMITS.examined:,}",
        languages=sorted(LANGUAGES),
        error=error,
    )
