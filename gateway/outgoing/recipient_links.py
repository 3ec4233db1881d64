"""What is made for one recipient alone: their addresses and their signed links."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rules.sender.tokens import (
    FileLink,
    FileUse,
    HeldLink,
    Keys,
    Link,
    LinkUse,
    MailUse,
    Purpose,
    ReplyToken,
    held_token,
    link_token,
    reply_address,
    sign_up_token,
)
from rules.service.travelling import LINKS_LAST
from rules.ticket.notice_timing import INVITATION_LASTS
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import AlertPayload, ApprovalPayload
from storage.notices.outbox import Notice


def own_address(notice: Notice, keys: Keys, purpose: Purpose) -> str:
    """The recipient's reply or note address; empty where they are not on the ticket."""
    if notice.about is None or notice.about.participant is None:
        return ""
    token = ReplyToken(notice.about.ticket, notice.about.participant, purpose)
    return reply_address(keys, notice.mailbox.id, notice.mailbox.address, token)


@dataclass(frozen=True, slots=True)
class RecipientLinks:
    """The signed links of one notice; each is empty where the notice does not carry it."""

    notice: Notice
    keys: Keys
    begin: str

    def approvals(self) -> tuple[tuple[str, str], ...]:
        """Each proposed address with its link; none where the recipient is not on the ticket."""
        about, payload = self.notice.about, self.notice.payload
        if not isinstance(payload, ApprovalPayload) or about is None or about.participant is None:
            return ()
        return tuple(
            (address, self._link("people", LinkUse.APPROVE, address))
            for address in payload.addresses
        )

    def feedback(self, *, in_answer: bool = False) -> str:
        """`in_answer`: the notice carries an answer on which feedback is welcome."""
        if not (in_answer or self.notice.kind.traits.asks_for_feedback):
            return ""
        return self._link("feedback", LinkUse.FEEDBACK, "")

    def reopen(self) -> str:
        payload = self.notice.payload
        if not isinstance(payload, AlertPayload) or not payload.reopens:
            return ""
        return self._link("reopen", LinkUse.REOPEN, "")

    def unsubscribe(self) -> str:
        return self._link("unsubscribe", LinkUse.UNSUBSCRIBE, "")

    def sign_up(self) -> str:
        if self.notice.kind is not NoticeKind.INVITATION:
            return ""
        mailbox, until = self.notice.mailbox.id, self.notice.created_at + INVITATION_LASTS
        token = sign_up_token(self.keys, mailbox, self.notice.address, until)
        return f"{self.begin}/signup/{mailbox}/{token}"

    def mail(self, journal_id: UUID, use: MailUse) -> str:
        """For staff alone: the page of a held or folded mail."""
        person, mailbox = self.notice.person, self.notice.mailbox.id
        if person is None or not self.notice.kind.traits.for_staff:
            return ""
        token = held_token(self.keys, mailbox, HeldLink(person, journal_id), use)
        return f"{self.begin}/{use}/{mailbox}/{token}"

    def file(self, attachment: int) -> str:
        """The page of a file of the notice's ticket."""
        named = FileLink(attachment, self.notice.created_at + LINKS_LAST)
        own = self._link("files", FileUse.FILE, named.text)
        about, person = self.notice.about, self.notice.person
        if own or about is None or person is None or not self.notice.is_staff:
            return own
        mailbox, link = self.notice.mailbox.id, Link(about.ticket, person, named.text)
        token = link_token(self.keys, mailbox, FileUse.STAFF_FILE, link)
        return f"{self.begin}/files/{mailbox}/{token}"

    def _link(self, page: str, use: LinkUse | FileUse, text: str) -> str:
        about, mailbox = self.notice.about, self.notice.mailbox.id
        if about is None or about.participant is None:
            return ""
        token = link_token(self.keys, mailbox, use, Link(about.ticket, about.participant, text))
        return f"{self.begin}/{page}/{mailbox}/{token}"
