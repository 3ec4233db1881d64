"""The table of SMTP replies that our own checks can send.

Each reply is named by its meaning. Codes: RFC 5321 §4.2; enhanced status: RFC 3463.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply. `str(reply)` is one line of ASCII without CRLF, at most 500 octets."""

    code: int
    status: str
    text: str

    def __str__(self) -> str:
        clean = self.text
        if not (clean.isascii() and clean.isprintable()):
            clean = "".join(c if " " <= c <= "~" else "?" for c in clean)
        return f"{self.code} {self.status} {clean}"[:500]

    def with_text(self, text: str) -> Reply:
        """The same reply with another text (a policy's sign-up text, a ticket number)."""
        return Reply(self.code, self.status, text)

    @property
    def accepted(self) -> bool:
        return self.code // 100 == 2

    @property
    def temporary(self) -> bool:
        return self.code // 100 == 4


ACCEPTED = Reply(250, "2.0.0", "accepted")

NO_SUCH_MAILBOX = Reply(550, "5.1.1", "No such mailbox here")
REFUSED_SENDER = Reply(550, "5.7.1", "This address takes mail from registered users only")
BARE_LINE_END = Reply(550, "5.6.11", "Bare CR, bare LF or NUL in the message (RFC 5321 2.3.8)")
MAIL_TOO_BIG = Reply(552, "5.3.4", "Message is larger than the announced SIZE")

TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")
TOO_MUCH_IN_FLIGHT = Reply(452, "4.3.1", "Too much mail in flight, try again later")
TEMPORARY_FAILURE = Reply(451, "4.3.0", "Temporary failure here, try again later")
TOO_MANY_WAITING = Reply(451, "4.7.1", "Too many of your mails are being read, try again later")
SENDER_CHECK_FAILED = Reply(451, "4.7.0", "The sender could not be checked now, try again later")
TOO_MANY_MAILS = Reply(451, "4.7.1", "Too many mails from this sender, try again later")
NO_ROOM = Reply(452, "4.3.1", "No room for more unfiled mail of this sender, try again later")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later")
TOO_LITTLE_DISK = Reply(452, "4.3.1", "Too little disk space here, try again later")
TOO_FAST = Reply(451, "4.7.1", "Too much from your network, try again in a minute")
CONNECTING_TOO_FAST = Reply(421, "4.7.1", "Too many connections in a minute, try again later")
NOT_A_BALANCER = Reply(421, "4.7.0", "This port serves its load balancers only")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors on this connection")
TOO_SLOW = Reply(421, "4.4.2", "Too slow, closing the connection")
IDLE = Reply(421, "4.4.2", "Idle for too long, closing the connection")
SHUTTING_DOWN = Reply(421, "4.3.2", "Shutting down, try again later")


def for_all(replies: Sequence[Reply]) -> Reply:
    """One SMTP reply for all recipients of a mail.

    If one recipient failed temporarily, the client must try again: what has been filed already is
    then recognised as a duplicate. Otherwise one acceptance accepts for all, since a refusal after
    250 would require a bounce, and we never send bounces. What a mailbox would refuse of a proven
    stranger is held there instead (`rules.decision.one_reply`); any other refusal stays in the
    journal.
    """
    for reply in replies:
        if reply.temporary:
            return reply
    accepted = [reply for reply in replies if reply.accepted]
    if not accepted:
        return replies[0]
    return accepted[0].with_text("; ".join(dict.fromkeys(reply.text for reply in accepted)))
