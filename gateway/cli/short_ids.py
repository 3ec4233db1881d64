"""Ids that an operator types: whole, or their beginning if only one begins so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from uuid import UUID

from gateway.cli.common import fail


def only(found: Sequence[UUID] | None, typed: str, listed_by: str, otherwise: str) -> UUID:
    """The id that was typed. Ends the command if it is no id, if there is none that begins so
    (`otherwise` is the message), or if there are several; `listed_by` is the command that shows
    ids."""
    if found is None:
        fail(os.EX_USAGE, f"{typed} is not an id, or its beginning; `{listed_by}` shows the ids")
    if not found:
        fail(os.EX_DATAERR, otherwise)
    if len(found) > 1:
        fail(os.EX_USAGE, f"several ids begin with {typed}; write more of it")
    return found[0]
