"""What people and machines write, as raw mails."""

from __future__ import annotations

from dataclasses import dataclass

from rules.sender.authentication import Authentication, Result
from tests.properties.conversation.cast import SUPPORT
from tests.rules.building import PROVEN, unproven

PROOFS: dict[str, Authentication] = {
    "proven": PROVEN,
    "nothing": unproven(),
    "forged": unproven(Result.FAIL, "reject"),
    "doubtful": unproven(Result.FAIL, "quarantine"),
}
SIGNS = {
    "": "",
    "auto-submitted": "Auto-Submitted: auto-replied\r\n",
    "null path": "",
    "list": "List-Id: <all.out.example>\r\n",
    "precedence": "Precedence: bulk\r\n",
}
"""What marks a mail as automatic, by name."""


@dataclass(frozen=True)
class Letter:
    """One mail on its way to the desks."""

    author: str
    number: int
    text: str
    proof: str = "proven"
    rcpts: tuple[str, ...] = (SUPPORT,)
    """The envelope recipients: mailboxes, or addresses with a token."""
    subject: str = "Printer"
    cc: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    shown: tuple[str, ...] | None = None
    """What stands in To; None for the recipients. Empty: the desk got a blind copy."""
    sign: str = ""
    fields: str = ""
    """Further header lines."""
    claim_note: str = ""
    """A second address in From, so that nobody can tell who wrote it."""
    as_new: bool = False
    """Somebody of the desk said that it belongs to no ticket."""

    @property
    def mail_from(self) -> str:
        return "" if self.sign == "null path" else self.author

    @property
    def message_id(self) -> str:
        return f"<{self.number}@client.example>"

    @property
    def is_automatic(self) -> bool:
        return bool(self.sign)

    @property
    def to(self) -> tuple[str, ...]:
        return self.rcpts if self.shown is None else self.shown

    def names(self, mailbox: str) -> bool:
        """Whether a mailbox stands in To or Cc, with a token or without."""
        local, _, domain = mailbox.rpartition("@")
        return any(
            one == mailbox or (one.startswith(f"{local}+") and one.endswith(f"@{domain}"))
            for one in (*self.to, *self.cc)
        )

    @property
    def raw(self) -> bytes:
        lines = [
            f"From: {self.author}{f', {self.claim_note}' if self.claim_note else ''}",
            f"To: {', '.join(self.to) or 'undisclosed-recipients:;'}",
            f"Subject: {self.subject}",
            f"Message-ID: {self.message_id}",
        ]
        if self.cc:
            lines.append(f"Cc: {', '.join(self.cc)}")
        if self.references:
            lines.append(f"In-Reply-To: {self.references[-1]}")
            lines.append("References: " + "\r\n ".join(self.references))
        head = "\r\n".join(lines) + "\r\n" + SIGNS[self.sign] + self.fields
        body = self.text.replace("\n", "\r\n")
        return f"{head}\r\n{body}\r\n".encode()


def quoted(text: str, dated: bool = True) -> str:
    """As a client quotes it below the answer, with the line that says who wrote it."""
    lines = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
    when = f"On Mon, 2 Mar 2026 at 12:00, Support <{SUPPORT}>" if dated else "Support"
    return f"{when} wrote:\n{lines}"


def report(address: str, number: int) -> bytes:
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
