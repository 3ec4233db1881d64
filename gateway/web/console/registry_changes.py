"""Changes of the registry that operators make in the console: as those of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from gateway import log
from gateway.outgoing.mime import one_line
from gateway.web.console.context import Visit, words_in
from rules.mail import Mailbox
from rules.people import Role
from storage.db.database import Connection
from storage.registry import people
from storage.registry.errors import RegistryRefusal
from storage.registry.people import NewPerson

T = TypeVar("T")

LONGEST_TEXT = 100
MOST_NAMED = 50
"""Domains or addresses in one form: mail waits for each of them."""
_LONGEST_NUMBER = 9
"""Digits: more are beyond the numbers of these tables."""
Job = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """What a form asks for: how it is done, how the log names it, and what the user reads then."""

    job: Job
    name: str
    subject: str
    text: str
    values: Mapping[str, object]
    path: str = ""
    """The page to go to, where it is another one; `{id}` stands for the number that the job
    returns."""


def if_shown(
    shown: str, now: Callable[[Connection], str], job: Callable[[Connection], T]
) -> Callable[[Connection], T]:
    """The job, which is done only while what it replaces is what the page showed: `shown` is from
    its form, `now` reads the same. Else it raises NotAsked."""

    def guarded(connection: Connection) -> T:
        if now(connection) != shown:
            raise NotAsked(
                "Nothing was done: this has changed since you opened the page. It is shown as it "
                "is now, and what you entered is still in the form."
            )
        return job(connection)

    return guarded


class NotAsked(Exception):
    """The form asks for nothing that the page offers, as the key of a text."""


def named_in(visit: Visit, field: str) -> list[str]:
    """The domains or addresses that a form names. Raises NotAsked."""
    found = words_in(visit.form.get(field, ""))
    if len(found) > MOST_NAMED:
        raise NotAsked("Please name at most 50 at a time.")
    return found


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


async def made(
    visit: Visit, mailbox: Mailbox | None, asked: Callable[[Mailbox], RegistryChange]
) -> RegistryChange | str:
    """The change that a form asks for, once it is made; or why it is not, as the page says it."""
    try:
        if mailbox is None:
            raise NotAsked("Please choose a mailbox.")
        change = asked(mailbox)
        # It may be of a hundred domains.
        returned = await visit.write(change.job, apart=True)
    except RegistryRefusal as refused:
        return refused.why.worded(visit.say)
    except NotAsked as fault:
        return visit.say(str(fault))
    log.registry_changed(mailbox.address, change.subject, change.name, visit.user.address)
    return replace(change, path=change.path.format(id=returned))


async def in_sight(visit: Visit, find: Callable[..., T | None]) -> T | None:
    """The row whose number the path has, if it is of a mailbox that the user sees."""
    number = visit.request.match_info["number"]
    if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        return None
    sees = [each.id for each in await visit.mailboxes()]
    return await visit.runtime.read(partial(find, mailboxes=sees, number=int(number)))


async def mailbox_of(visit: Visit, number: int) -> Mailbox:
    return next(each for each in await visit.mailboxes() if each.id == number)
