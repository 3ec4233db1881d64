"""Writes deterministic support mails of similar sizes if the shared generator is not available.

Text and HTML of 3–6 KB; one in ten with an attachment of 30 KiB, one in five a reply.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

ATTACHMENT_BYTES = 30 * 1024
REPLIES = 0.2
ATTACHMENTS = 0.1
DOMAINS = ("orchard.example", "lighthouse.example", "tramway.example", "foundry.example")
VOCABULARY = [
    "after",
    "again",
    "always",
    "archive",
    "balance",
    "before",
    "behind",
    "between",
    "broken",
    "button",
    "canteen",
    "change",
    "colour",
    "counter",
    "cursor",
    "daily",
    "delay",
    "desk",
    "drawer",
    "engine",
    "every",
    "export",
    "filter",
    "form",
    "garden",
    "handle",
    "help",
    "hourly",
    "import",
    "index",
    "invoice",
    "journal",
    "kettle",
    "label",
    "ledger",
    "letter",
    "locked",
    "manual",
    "margin",
    "missing",
    "morning",
    "never",
    "number",
    "office",
    "often",
    "order",
    "paper",
    "pattern",
    "payroll",
    "pencil",
    "printer",
    "queue",
    "quiet",
    "record",
    "remote",
    "report",
    "roster",
    "sample",
    "screen",
    "second",
    "shelf",
    "signal",
    "spare",
    "stamp",
    "station",
    "stock",
    "table",
    "ticket",
    "timer",
    "tool",
    "tray",
    "twice",
    "update",
    "valve",
    "weekly",
    "window",
]
_START = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


@dataclass
class _Thread:
    subject: str
    ids: list[str] = field(default_factory=list)


def write(
    folder: Path, count: int, senders: int, mailbox: str, *, replies: float = REPLIES
) -> None:
    """Fill a new folder with numbered mails and a `manifest.csv` (file, sender); this share of them
    are replies."""
    folder.mkdir(parents=True)
    threads: dict[str, list[_Thread]] = {}
    rows: list[tuple[str, str]] = []
    for number in range(1, count + 1):
        rng = random.Random(number)
        sender = _sender(rng.randrange(senders))
        own = threads.setdefault(sender.addr_spec, [])
        if not own or rng.random() >= replies:
            own.append(_Thread(_random_text(rng, 5).capitalize()))
            thread = own[-1]
        else:
            thread = rng.choice(own)
        name = f"{number:05d}.eml"
        mail = _mail(number, rng, sender, mailbox, thread)
        (folder / name).write_bytes(mail.as_bytes())
        rows.append((name, sender.addr_spec))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "sender"), *rows])


def _mail(
    number: int, rng: random.Random, sender: Address, mailbox: str, thread: _Thread
) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    message_id = f"<bench.{number}.{rng.getrandbits(48):x}@{sender.domain}>"
    mail["From"] = sender
    mail["To"] = mailbox
    mail["Subject"] = f"Re: {thread.subject}" if thread.ids else thread.subject
    mail["Date"] = format_datetime(_START + timedelta(seconds=40 * number))
    mail["Message-ID"] = message_id
    if thread.ids:
        mail["In-Reply-To"] = thread.ids[-1]
        mail["References"] = " ".join(thread.ids[-4:])
    thread.ids.append(message_id)
    paragraphs = [f"{_random_text(rng, 60).capitalize()}." for _ in range(rng.randint(3, 6))]
    mail.set_content("\n\n".join([*paragraphs, f"-- \n{sender.display_name}"]) + "\n")
    mail.add_alternative(_html(paragraphs), subtype="html", cte="quoted-printable")
    if rng.random() < ATTACHMENTS:
        data = rng.randbytes(ATTACHMENT_BYTES)
        mail.add_attachment(data, "application", "octet-stream", filename=f"trace-{number}.bin")
    for index, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{index}_{rng.getrandbits(64):x}")
    return mail


def _html(paragraphs: Sequence[str]) -> str:
    body = "\n".join(f'<p class="body">{text}</p>' for text in paragraphs)
    return f"<html><head><style>p {{ margin: 1em 0 }}</style></head><body>{body}</body></html>\n"


def _random_text(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(VOCABULARY) for _ in range(count))


def _sender(number: int) -> Address:
    domain = DOMAINS[number % len(DOMAINS)]
    return Address(f"Customer {number}", f"customer.{number}", domain)
