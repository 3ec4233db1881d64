"""Changes of the registry that operators make in the console: as those of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from gateway import log
from gateway.outgoing.mime import one_line
from gateway.web.console.context import Visit
from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection
from storage.registry import people
from storage.registry.errors import AlreadyExists, InvalidValue, NotFound
from storage.registry.people import NewPerson

LONGEST_TEXT = 100
REFUSED = (AlreadyExists, InvalidValue, NotFound)
"""Why the registry refuses a change; each says what to do."""

Job = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """What a form asks for: how it is done, how the log names it, and what the user is told."""

    job: Job
    name: str
    subject: str
    text: str
    values: Mapping[str, object]


class NotAsked(Exception):
    """The form asks for nothing that the page offers, as the key of a text."""


def new_person(
    visit: Visit, mailbox: Mailbox, role: Role, company_name: str | None
) -> RegistryChange:
    address = visit.form.get("address", "").strip()
    if not address:
        raise NotAsked("Please give an address.")
    new = NewPerson(
        address,
        one_line(visit.form.get("person", ""), LONGEST_TEXT),
        role,
        company_name,
        machine=bool(visit.form.get("machine")),
        anywhere=bool(visit.form.get("anywhere")),
    )
    job = partial(people.add_person, mailbox=mailbox, person=new)
    text = "{address} is registered."
    return RegistryChange(job, f"{role.value}_added", address, text, {"address": address})


async def do(visit: Visit, mailbox: Mailbox, change: RegistryChange) -> None:
    await visit.runtime.write(change.job)
    log.registry_changed(mailbox.address, change.subject, change.name, visit.user.address)


async def mailbox_of(visit: Visit, number: int) -> Mailbox:
    return next(each for each in await visit.mailboxes() if each.id == number)


def words_of(visit: Visit, field: str) -> list[str]:
    return visit.form.get(field, "").replace(",", " ").split()
