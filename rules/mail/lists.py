"""Mailing lists: which list a mail came through, by the name that the list writes (RFC 2919)."""

from __future__ import annotations

import re
from collections.abc import Collection

from rules.mail.header import Header

_LIST_ID = re.compile(r"<\s*+([^<>\s]{1,255}+)\s*+>\s*\Z")


def list_id_of(header: Header) -> str:
    """The identifier in List-Id, in lower case; empty if there is none, or more than one field."""
    written = header.get_all("list-id")
    if len(written) != 1 or len(written[0]) > 1_000:
        return ""
    found = _LIST_ID.search(written[0])
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
