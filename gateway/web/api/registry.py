"""What the operations on people and on companies share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gateway import log
from gateway.web.api.access import Caller
from gateway.web.api.auth import ApiError, Scope
from rules.mail import Mailbox
from storage.db.database import Connection
from storage.registry.errors import AlreadyExists, InvalidValue, NotFound

READERS = (Scope.REGISTRY, Scope.STAFF, Scope.READ)
WRITERS = (Scope.REGISTRY,)


class RegistryJob(NamedTuple):
    """One change, as it is named in the log, and the job that makes it."""

    name: str
    job: Callable[[Connection], object]


@contextmanager
def refusals() -> Iterator[None]:
    """What the registry refuses, as errors of the API."""
    try:
        yield
    except InvalidValue as error:
        raise ApiError(400, str(error)) from None
    except (AlreadyExists, NotFound) as error:
        raise ApiError(409, str(error)) from None


def report(mailbox: Mailbox, subject: str, changes: Iterable[str], caller: Caller) -> None:
    """To the log, as changes in the console are."""
    for each in changes:
        log.registry_changed(mailbox.address, subject, each, caller.name)
