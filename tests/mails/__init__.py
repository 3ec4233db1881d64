"""Mails as folders: the mail itself, what is expected of it, and why it is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PLACEHOLDERS = frozenset(
    ("reply_address", "support", "notice_id", "subject", "author", "ticket"),
)


@dataclass(frozen=True, slots=True)
class ClientMail:
    """What a mail client makes of a notice of ours: an answer to it or a forward."""

    name: str
    """`<client>-<act>`, the name of its folder."""
    act: str
    """`reply`, `reply-all` or `forward`."""
    to_reply_address: bool
    carries_notice_id: bool
    lands: str
    """`same ticket` or `new ticket`, where the author is the requester and authenticated (T2)."""
    by: str
    """The strongest signal that takes it there, a `rules.sender.pointers.Via`."""
    mail: str
    visible: str

    def render(self, **values: str) -> bytes:
        """The mail as it would be sent, CRLF, UTF-8.

        Values, ASCII: `reply_address` and `support` (plain addresses), `notice_id` (in brackets),
        `subject` (of the notice, its tag included, without `Re:`), `author` (plain address) and
        `ticket` (the number). Raises KeyError where one is missing or unknown.
        """
        return _filled(self.mail, values).encode()

    def shown(self, **values: str) -> str:
        """The text that must be shown, from the same values; white space may differ."""
        return _filled(self.visible, values)


def clients() -> list[ClientMail]:
    """Every client and act, by name."""
    return [_read(folder) for folder in sorted((FOLDER / "clients").iterdir())]


def _read(folder: Path) -> ClientMail:
    expected = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    mail = (folder / "mail.eml").read_bytes().decode()
    return ClientMail(name=folder.name, mail=mail, **expected)


def _filled(template: str, values: dict[str, str]) -> str:
    if wrong := PLACEHOLDERS.symmetric_difference(values):
        raise KeyError(f"missing or unknown: {', '.join(sorted(wrong))}")
    for name, value in values.items():
        template = template.replace("{" + name.upper() + "}", value)
    return template
