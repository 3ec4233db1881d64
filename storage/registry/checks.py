"""Checks that every registration shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import IntegrityError

from rules.mail.addresses import domain_of, normalise
from rules.sender.authentication import domain_warnings
from rules.sentence import Phrase, phrase
from storage.registry.errors import AlreadyExists, InvalidValue, NotFound


def valid_address(address: str) -> str:
    """An address in its one spelling. Raises InvalidValue."""
    normal = normalise(address)
    if normal is None:
        raise InvalidValue("{address} is not a valid email address", address=address)
    return normal


def valid_domain(domain: str) -> str:
    """A mail domain in its one spelling. Raises InvalidValue."""
    normal = normalise(f"postmaster@{domain}")
    if normal is None:
        raise InvalidValue("{domain} is not a valid mail domain", domain=domain)
    return domain_of(normal)


def refuse_lookalike(domain: str, shown: str) -> None:
    """Raises InvalidValue, which names `shown`, for a domain that imitates another one."""
    if warnings := domain_warnings(domain):
        text = "{name} looks like another domain: {warnings}"
        raise InvalidValue(text, name=shown, warnings="; ".join(warnings))


NAMED = 50
"""Names of what is registered, in one error."""


def not_found(english: str, known: Iterable[str], /, **values: object) -> NotFound:
    """The error for a name that is not registered, with the names that are; of many, the first."""
    names = list(islice(known, NAMED + 1))
    if len(names) > NAMED:
        names[NAMED] = "…"
    what = phrase(english, **values)
    return NotFound("no {what}; expected one of: {known}", what=what, known=named_or_none(names))


def named_or_none(names: Sequence[str]) -> Phrase | str:
    """What is registered, for an error."""
    return ", ".join(names) or phrase("(none registered)")


def insert_new(connection: Connection, into: Table, row: dict[str, object], name: str) -> int:
    """Insert a row and return its id. Raises AlreadyExists, which names `name`."""
    try:
        with connection.begin_nested():
            key = connection.execute(insert(into), row).inserted_primary_key
    except IntegrityError as error:
        raise AlreadyExists("{name} is already registered", name=name) from error
    return int(key[0]) if key is not None and isinstance(key[0], int) else 0
