"""Mailing lists: which list a mail came through, and the author whom a list replaced in From."""

from __future__ import annotations

import re
from collections.abc import Collection

from rules.mail.extent import squeezed
from rules.mail.from_field import address_in
from rules.mail.header import Author, Header

_LIST_ID = re.compile(r"<\s*+([^<>\s]{1,255}+)\s*+>\s*\Z")


def list_id_of(header: Header) -> str:
    """The identifier in List-Id, in lower case; empty if there is none, or more than one field."""
    written = header.get_all("list-id")
    text = squeezed(written[0]) if len(written) == 1 else ""
    found = _LIST_ID.search(text) if len(text) <= 1_000 else None
    return found[1].lower() if found else ""


def id_of_list(name: str) -> str:
    """The List-Id of a list that is given by its address, or by its List-Id."""
    return name.strip("<> ").replace("@", ".").lower()


def is_of_list(header: Header, lists: Collection[str]) -> bool:
    """Whether a mail came through one of these lists, each given by address or List-Id.

    Anybody can write this field. It only takes meaning away from the marks of a list, which anybody
    can leave out just as well; it proves nothing.
    """
    return bool(lists) and list_id_of(header) in {id_of_list(name) for name in lists}


def replaced_author(header: Header, author: Author, lists: Collection[str]) -> Author | None:
    """The author whom one of these lists, given by address, replaced in From by its own address.

    Google Groups do so where the author's domain publishes p=quarantine or p=reject, and keep the
    author in X-Original-From. This is a claim like any other: see
    `gateway.authentication.through_list` for what proves it.
    """
    if author.address not in lists:
        return None
    written = header.raw_values("x-original-from")
    found = address_in(written[0]) if len(written) == 1 else None
    if not isinstance(found, str) or found in lists:
        return None
    return Author(found)
