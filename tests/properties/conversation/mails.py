"""The mails that people and machines write, as raw bytes."""

from __future__ import annotations

from dataclasses import dataclass

from rules.sender.authentication import Authentication, Result
from tests.properties.conversation.people import SUPPORT
from tests.rules.building import PROVEN, unproven

PROOFS: dict[str, Authentication] = {
    "proven": PROVEN,
    "nothing": unproven(),
    "forged": unproven(Result.FAIL, "reject"),
    "doubtful": unproven(Result.FAIL, "quarantine"),
}
AUTOMATIC_MARKERS = {
    "": "",
    "auto-submitted": "Auto-Submitted: auto-replied\r\n",
    "null path": "",
    "list": "List-Id: <all.out.example>\r\n",
    "precedence": "Precedence: bulk\r\n",
    "generated": "Auto-Submitted: auto-generated\r\n",
    "absence": "",
}
"""The header line of each marker of automatic mail; a null reverse-path needs none, nor does what
only its subject marks."""


@dataclass(frozen=True)
class WrittenMail:
    """One mail to one or both mailboxes."""

    author: str
    number: int
    text: str
    proof: str = "proven"
    recipients: tuple[str, ...] = (SUPPORT,)
    """The envelope recipients: mailboxes or reply addresses."""
    subject: str = "Printer"
    cc: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    to_header: tuple[str, ...] | None = None
    """The addresses in To; None for the recipients, empty for a blind copy."""
    automatic_marker: str = ""
    extra_headers: str = ""
    """Further header lines."""
    second_author: str = ""
    """A second address in From, which makes the author ambiguous."""
    as_new: bool = False
    """Staff released it from quarantine as a new request."""
    released: bool = False
    """Staff released it from quarantine."""
    date: str = "Mon, 2 Mar 2026 12:00:00 +0000"
    """Without one it would be another mail each hour."""

    @property
    def mail_from(self) -> str:
        return "" if self.automatic_marker == "null path" else self.author

    @property
    def message_id(self) -> str:
        return f"<{self.number}@client.example>"

    @property
    def is_automatic(self) -> bool:
        return bool(self.automatic_marker)

    @property
    def may_be_a_persons(self) -> bool:
        """Whether it is filed as a person's: marked as bulk mail at most, or read by staff."""
        return self.released or self.automatic_marker in ("", "list", "precedence")

    @property
    def may_be_a_machines(self) -> bool:
        """Whether the mark leaves open who wrote it."""
        return self.automatic_marker in ("generated", "absence")

    @property
    def to(self) -> tuple[str, ...]:
        return self.recipients if self.to_header is None else self.to_header

    def is_addressed_to(self, mailbox: str) -> bool:
        """Whether To or Cc contains a mailbox, with or without a token."""
        local, _, domain = mailbox.rpartition("@")
        return any(
            one == mailbox or (one.startswith(f"{local}+") and one.endswith(f"@{domain}"))
            for one in (*self.to, *self.cc)
        )

    @property
    def raw(self) -> bytes:
        lines = [
            f"From: {self.author}{f', {self.second_author}' if self.second_author else ''}",
            f"To: {', '.join(self.to) or 'undisclosed-recipients:;'}",
            f"Subject: {'Automatic reply: ' * (self.automatic_marker == 'absence')}{self.subject}",
            f"Message-ID: {self.message_id}",
            f"Date: {self.date}",
        ]
        if self.cc:
            lines.append(f"Cc: {', '.join(self.cc)}")
        if self.references:
            lines.append(f"In-Reply-To: {self.references[-1]}")
            lines.append("References: " + "\r\n ".join(self.references))
        marker = AUTOMATIC_MARKERS[self.automatic_marker]
        head = "\r\n".join(lines) + f"\r\n{marker}{self.extra_headers}"
        body = self.text.replace("\n", "\r\n")
        return f"{head}\r\n{body}\r\n".encode()


def quoted(text: str, dated: bool = True) -> str:
    """A text as a mail client quotes it, below a line that names its author."""
    lines = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
    when = f"On Mon, 2 Mar 2026 at 12:00, Support <{SUPPORT}>" if dated else "Support"
    return f"{when} wrote:\n{lines}"


def bounce_report(address: str, number: int) -> bytes:
    """A hard bounce of a mail to this address (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example\r\n"
        f"To: {SUPPORT}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <report-{number}@mx.example>\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt was not delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
        "\r\n--b--\r\n"
    ).encode()
