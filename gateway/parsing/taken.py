"""Files that a worker process takes out of a mail: what it is asked, and the list that it answers.

The octets follow the list. They are no part of it, so that they are in memory once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

_UNPACKED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files of a mail are wanted, by `Attachment.part`."""

    parts: tuple[str, ...]
    examined: bool
    """For a reader who may not have mails of ours that were made for others."""

    def written(self) -> bytes:
        return json.dumps([self.parts, self.examined]).encode()

    @classmethod
    def read(cls, data: bytes) -> Wanted:
        parts, examined = json.loads(data)
        return cls(tuple(parts), examined)


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file of a mail."""

    content: bytes
    is_ours: bool = False
    """It is a mail of ours, or contains one, or may: it was examined, and its content is empty."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file in the answer of a worker."""

    part: str
    size_bytes: int
    is_ours: bool


def list_of_files(files: Mapping[str, TakenFile] | None) -> bytes:
    """The answer of a worker; None for a mail that has not all of the files."""
    if files is None:
        return b"null"
    listed = [(part, len(each.content), each.is_ours) for part, each in files.items()]
    return json.dumps(listed).encode()


def listed_files(answer: bytes, wanted: Wanted, mail_bytes: int) -> list[ListedFile] | None:
    """The list in an answer. Raises EOFError if it is anything else: a worker that reads hostile
    bytes cannot be trusted. No file is larger than its mail, except for unpacked rich text."""
    try:
        listed = json.loads(answer)
        if listed is None:
            return None
        files = [ListedFile(part, size, ours) for part, size, ours in listed]
    except (ValueError, TypeError, RecursionError) as error:
        raise EOFError("not a list of files") from error
    sizes = [each.size_bytes for each in files]
    if [each.part for each in files] != list(wanted.parts) or not all(
        type(size) is int and 0 <= size <= mail_bytes + _UNPACKED_BYTES for size in sizes
    ):
        raise EOFError("not the list of these files")
    if not all(isinstance(each.is_ours, bool) for each in files):
        raise EOFError("not the list of these files")
    return files
