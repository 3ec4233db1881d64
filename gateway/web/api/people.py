"""People over the API: listed for staff and reports, registered and changed by a directory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from aiohttp import web

from gateway.registry_requests import NewPersonRequest, PersonPatch
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller
from gateway.web.api.auth import ApiError
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import MailboxQuery, RegistryQuery
from gateway.web.api.registry import READERS, WRITERS, Changed, RegistryJob, changed, made
from gateway.web.api.registry_answers import PeopleAnswer, PersonAnswer
from gateway.web.api.request_parsing import body_of
from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection
from storage.registry import directory, people
from storage.registry.directory import ListedPerson
from storage.registry.people import NewPerson

PATH = "/api/v1/people"
ONE = f"{PATH}/{{address}}"


async def _list(request: web.Request, caller: Caller, query: RegistryQuery) -> web.Response:
    def read_page(connection: Connection, mailbox: Mailbox) -> PeopleAnswer:
        limit = query.limit
        found = directory.find_people(connection, [mailbox.id], query.text, limit + 1, query.after)
        return {
            "people": [_as_json(each) for each in found[:limit]],
            "after": found[limit - 1].address if len(found) > limit else None,
        }

    return await access.of_mailbox(request, caller, query.mailbox, read_page)


async def _read(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]

    def read_one(connection: Connection) -> PersonAnswer:
        now = context.runtime.clock()
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        return _as_json(_found(connection, mailbox, request.match_info["address"]))

    return web.json_response(await context.runtime.read(read_one))


async def _register(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    asked, now = await body_of(request, NewPersonRequest), context.runtime.clock()
    new = NewPerson(
        asked.address,
        asked.name,
        asked.role,
        asked.company or None,
        machine=asked.machine,
        anywhere=asked.anywhere,
    )

    def job(connection: Connection) -> Changed[tuple[Mailbox, ListedPerson]]:
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        people.add_person(connection, mailbox, new)
        added = _found(connection, mailbox, new.address)
        names = [f"{added.role.value}_added"]
        return Changed(mailbox, added.address, names, (mailbox, added))

    mailbox, added = await changed(context, caller, job)
    path = f"{PATH}/{quote(added.address, safe='@')}?mailbox={quote(mailbox.address, safe='@')}"
    return web.json_response(_as_json(added), status=201, headers={"Location": path})


async def _change(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    patch, now = await body_of(request, PersonPatch), context.runtime.clock()

    def job(connection: Connection) -> Changed[PersonAnswer]:
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        known = _found(connection, mailbox, request.match_info["address"])
        if patch.notices is not None and known.role is not Role.STAFF:
            raise ApiError(409, f"{known.address} is not staff: only staff choose their notices")
        names = made(connection, _changes(mailbox, known, patch))
        answer = _as_json(_found(connection, mailbox, known.address))
        return Changed(mailbox, known.address, names, answer)

    return web.json_response(await changed(context, caller, job))


def _changes(mailbox: Mailbox, known: ListedPerson, patch: PersonPatch) -> Iterator[RegistryJob]:
    """Those that are not in effect already."""
    of = {"mailbox": mailbox, "address": known.address}
    if patch.active is not None and patch.active != known.active:
        name = "activate" if patch.active else "deactivate"
        activate = partial(people.set_person_active, role=known.role, active=patch.active)
        yield RegistryJob(name, partial(activate, **of))
    if patch.language is not None and patch.language != known.language:
        speak = partial(people.set_language, role=known.role, language=patch.language)
        yield RegistryJob(f"language {patch.language}", partial(speak, **of))
    if patch.notices is not None and patch.notices.value != known.notices:
        notify = partial(people.set_notices, notices=patch.notices)
        yield RegistryJob(f"notices {patch.notices.value}", partial(notify, **of))


def _found(connection: Connection, mailbox: Mailbox, address: str) -> ListedPerson:
    """Raises ApiError."""
    person = directory.person_with(connection, mailbox.id, address)
    if person is None:
        raise ApiError(404, f"nobody with the address {address} is registered")
    return person


def _as_json(person: ListedPerson) -> PersonAnswer:
    return {
        "address": person.address,
        "name": person.name,
        "role": person.role.value,
        "active": person.active,
        "machine": person.machine,
        "language": person.language,
        "notices": person.notices,
        "company": person.company,
        "company_active": person.company_active,
    }


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_people",
        summary="The registered people of a mailbox, users and staff, by address",
        scopes=READERS,
        query=RegistryQuery,
        answer=JsonAnswer(PeopleAnswer),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path=PATH,
        handler=_register,
        name="register_person",
        summary="Register a user of a company, or a staff person",
        scopes=WRITERS,
        query=MailboxQuery,
        body=JsonBody(NewPersonRequest),
        status=201,
        answer=JsonAnswer(PersonAnswer, has_location=True),
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path=ONE,
        handler=_read,
        name="get_person",
        summary="A registered person",
        scopes=READERS,
        query=MailboxQuery,
        answer=JsonAnswer(PersonAnswer),
        errors=(404,),
    ),
    Operation(
        method="PATCH",
        path=ONE,
        handler=_change,
        name="change_person",
        summary="Change a person: all of the changes are made, or none",
        scopes=WRITERS,
        query=MailboxQuery,
        body=JsonBody(PersonPatch),
        answer=JsonAnswer(PersonAnswer),
        errors=(404, 409),
    ),
)
