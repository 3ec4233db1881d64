"""What the operations on people and on companies share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from gateway import log
from gateway.web.api.access import ApiContext, Caller
from gateway.web.api.auth import ApiError, Scope
from rules.mail import Mailbox
from storage.db.database import Connection
from storage.registry.errors import AlreadyExists, InvalidValue, NotFound

A = TypeVar("A")

READERS = (Scope.REGISTRY, Scope.STAFF, Scope.READ)
WRITERS = (Scope.REGISTRY,)


class RegistryJob(NamedTuple):
    """One change, as it is named in the log, and the job that makes it."""

    name: str
    job: Callable[[Connection], object]


class Changed(NamedTuple, Generic[A]):
    """What a request has changed, and what it is answered."""

    mailbox: Mailbox
    subject: str
    """The company or the person, as the log names them."""
    changes: Sequence[str]
    answer: A


async def changed(
    context: ApiContext, caller: Caller, job: Callable[[Connection], Changed[A]]
) -> A:
    """The answer of a job, once it is written: all of its changes, or none. They are in the log, as
    those of the console are. Raises ApiError, for what the registry refuses as well."""
    try:
        done = await context.write(job, apart=True)  # a hundred domains are hundreds of statements
    except InvalidValue as error:
        raise ApiError(400, str(error)) from None
    except (AlreadyExists, NotFound) as error:
        raise ApiError(409, str(error)) from None
    for each in done.changes:
        log.registry_changed(done.mailbox.address, done.subject, each, caller.name)
    return done.answer


def made(connection: Connection, jobs: Iterable[RegistryJob]) -> list[str]:
    """The names of the changes, each of which is made before the next one is looked for."""
    names = []
    for each in jobs:
        each.job(connection)
        names.append(each.name)
    return names
