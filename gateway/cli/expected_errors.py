"""The errors that a command expects, each with its message and exit code of sysexits.h."""

from __future__ import annotations

import os

from rules.validation.messages import InvalidFile
from storage.db.database import FolderNotMade, NotUpgraded, store_down
from storage.db.ledger import Conflict
from storage.registry.errors import AlreadyExists, ImportRefused, InvalidValue, NotFound

TOO_LARGE = "a number is larger than the store can hold"
OUT_OF_RANGE = "22003"
"""What PostgreSQL calls it."""


def described(error: Exception) -> tuple[int, str] | None:
    """The exit code and the message of an expected error; None for any other."""
    match error:
        case ImportRefused():
            return os.EX_DATAERR, str(error)
        case InvalidFile() | NotUpgraded():
            return os.EX_CONFIG, str(error)
        case FolderNotMade():
            return os.EX_CANTCREAT, str(error)
        case NotFound() | AlreadyExists() | InvalidValue():
            return os.EX_DATAERR, str(error)
        case Conflict():
            return os.EX_TEMPFAIL, f"another change came first, try again: {error}"
        case OverflowError():  # of SQLite's driver
            return os.EX_USAGE, TOO_LARGE
        case UnicodeEncodeError():
            return os.EX_USAGE, f"{error.object!a} is not UTF-8; write it in UTF-8"
    if isinstance(error, store_down()):
        if getattr(getattr(error, "orig", error), "sqlstate", None) == OUT_OF_RANGE:
            return os.EX_USAGE, TOO_LARGE
        cause = getattr(error, "orig", None) or error  # SQLAlchemy adds a link to its manual
        return os.EX_UNAVAILABLE, f"the store does not answer: {cause} (see store.url)"
    return None
