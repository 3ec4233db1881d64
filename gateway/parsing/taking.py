"""Takes files out of a mail: in a worker process, or of an ordinary mail in a thread."""

from __future__ import annotations

from gateway.parsing.apart import NotHereError
from gateway.parsing.our_mails import has_mail_of_ours
from gateway.parsing.reading import is_ordinary, parts_bytes
from gateway.parsing.taken import TakenFile, Wanted


def files_of(raw: bytes, wanted: Wanted, *, here: bool = False) -> dict[str, TakenFile] | None:
    """The wanted files; None if the mail has not all of them. With `here`, NotHereError is raised
    for a mail that may take longer than a thread of the server has time."""
    if here and not (is_ordinary(raw) and all(map(_is_unpacked, wanted.parts))):
        raise NotHereError
    try:
        found = parts_bytes(raw, wanted.parts)
    except LookupError:
        return None
    taken = {}
    for part in wanted.parts:
        content = found[part]
        is_ours = wanted.examined and has_mail_of_ours(content, here=here)
        taken[part] = TakenFile(b"" if is_ours else content, is_ours)
    return taken


def _is_unpacked(part: str) -> bool:
    """Whether a part is one of the mail itself, not a file within one of them."""
    return part.replace(".", "").isdigit()
