"""Steps with unusual threads: late parents, two mailboxes, pointers of the other mailbox."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.conversation.mail_steps import anybody, authors, copied, picks
from tests.properties.conversation.mails import WrittenMail
from tests.properties.conversation.people import AT_SALES, AT_SUPPORT, SALES, SUPPORT
from tests.properties.conversation.pipeline import SentNotice
from tests.properties.conversation.support_model import SupportModel

IN_BOTH = ("bob@acme.example", "gwen@globex.example", "sue@help.example")
mailboxes = st.sampled_from([SUPPORT, SUPPORT, SALES])
partners = st.sampled_from([*AT_SUPPORT.users] * 2 + [*AT_SALES.users, *AT_SUPPORT.unenrolled])


class ThreadSteps(SupportModel):
    """Answers that arrive before what they answer, and mails that concern both mailboxes."""

    # ---- late parents -------------------------------------------------------------------------

    @rule(
        parent=partners,
        author=partners,
        mailbox=mailboxes,
        cc=copied,
        to_all=st.booleans(),
        parent_follows=st.booleans(),
        send_notices=st.booleans(),
    )
    def an_answer_comes_before_its_parent(
        self,
        parent: str,
        author: str,
        mailbox: str,
        cc: tuple[str, ...],
        to_all: bool,
        parent_follows: bool,
        send_notices: bool,
    ) -> None:
        """Somebody answers a mail that is still on its way, perhaps with its author in Cc."""
        parent_mail = self._write_mail(parent, self._new_marker(), recipients=(mailbox,))
        self.late_parents.append(parent_mail)
        cc = tuple(dict.fromkeys((parent, *cc))) if to_all else cc
        self._answer_early(author, parent_mail.message_id, mailbox, cc, send_notices)
        if parent_follows:
            self._deliver_parent(parent_mail, send_notices)

    @precondition(lambda self: self.late_parents)
    @rule(author=partners, pick=picks, cc=copied, send_notices=st.booleans())
    def somebody_else_answers_it_too(
        self, author: str, pick: int, cc: tuple[str, ...], send_notices: bool
    ) -> None:
        parent_mail = self._nth_newest(self.late_parents, pick)
        self._answer_early(
            author, parent_mail.message_id, parent_mail.recipients[0], cc, send_notices
        )

    def _answer_early(
        self, author: str, parent: str, mailbox: str, cc: tuple[str, ...], send_notices: bool
    ) -> None:
        mail = self._write_mail(
            author,
            self._new_marker(),
            recipients=(mailbox,),
            subject="Re: Printer",
            references=(parent,),
            cc=cc,
        )
        self._deliver(mail, send_notices)

    @precondition(lambda self: self.late_parents)
    @rule(pick=picks, send_notices=st.booleans())
    def the_parent_arrives(self, pick: int, send_notices: bool) -> None:
        self._deliver_parent(self._nth_newest(self.late_parents, pick), send_notices)

    def _deliver_parent(self, parent_mail: WrittenMail, send_notices: bool) -> None:
        self.late_parents.remove(parent_mail)
        verdict = self._deliver(parent_mail, send_notices).verdict
        self.performed[f"late parent {verdict}"] += 1

    # ---- two mailboxes ------------------------------------------------------------------------

    @rule(
        author=st.sampled_from([*IN_BOTH] * 4 + [*AT_SUPPORT.users, *AT_SALES.users]),
        cc=copied,
        to_header=st.sampled_from(["both", "both", "first", "second", "none"]),
        support_first=st.booleans(),
        pick=picks,
        answers=st.booleans(),
    )
    def somebody_writes_to_both_mailboxes(
        self,
        author: str,
        cc: tuple[str, ...],
        to_header: str,
        support_first: bool,
        pick: int,
        answers: bool,
    ) -> None:
        """One mail, perhaps to a reply address of one mailbox and to the other mailbox."""
        recipients = [SUPPORT, SALES]
        notices = [p for p in self.sent_notices if p.recipient == author and p.reply_address]
        references: tuple[str, ...] = ()
        if answers and notices:
            sent = self._nth_newest(notices, pick)
            recipients[sent.mailbox == SALES] = sent.reply_address
            references = (sent.message_id,)
        if not support_first:
            recipients.reverse()
        shown = {"both": recipients, "first": recipients[:1], "second": recipients[1:], "none": []}
        mail = self._write_mail(
            author,
            self._new_marker(),
            recipients=tuple(recipients),
            to_header=tuple(shown[to_header]),
            references=references,
            cc=cc,
        )
        self._deliver(mail, send_notices=True)
        self.performed["wrote to both mailboxes"] += 1

    @precondition(lambda self: self.sent_notices)
    @rule(
        pick=picks,
        writer=st.sampled_from(["known to both", "known to both", "recipient", "anybody"]),
        other=authors,
        pointer=st.sampled_from(
            ["token", "our_message_id", "known_message_id", "tag", "tag", "text"]
        ),
        proof=st.sampled_from(["proven", "proven", "proven", "nothing"]),
        cc=anybody,
    )
    def a_pointer_of_one_mailbox_is_sent_to_the_other(
        self, pick: int, writer: str, other: str, pointer: str, proof: str, cc: str
    ) -> None:
        """By its recipient, by somebody who is registered in both, or by anybody."""
        notices = [p for p in self.sent_notices if p.ticket and p.reply_address]
        if not notices:
            return
        received = self._nth_newest(notices, pick)
        other_mailbox = SALES if received.mailbox == SUPPORT else SUPPORT
        author = received.recipient if writer == "recipient" else other
        if writer == "known to both":  # preferably an active participant
            active = self._customers(received.ticket)
            author = self._nth_newest([a for a in IN_BOTH if a in active] or IN_BOTH[-1:], pick)
        recipient = self._moved(received.reply_address, other_mailbox)
        mail = self._write_mail(
            author,
            self._new_marker() + (f"\nSee {received.reply_address}." if pointer == "text" else ""),
            proof=proof,
            recipients=(recipient if pointer == "token" else other_mailbox,),
            references=self._references_to(received, pointer),
            subject=f"Re: [#{received.ticket}] Printer" if pointer == "tag" else "Re: Printer",
            cc=(cc,),
        )
        self._deliver(mail, send_notices=True)
        self.performed["pointed from the other mailbox"] += 1

    def _moved(self, address: str, mailbox: str) -> str:
        """The token of a reply address, in an address of another mailbox."""
        token = address.partition("@")[0].partition("+")[2]
        return mailbox.replace("@", f"+{token}@")

    def _references_to(self, received: SentNotice, pointer: str) -> tuple[str, ...]:
        about = received.notice.about
        if pointer == "known_message_id" and about is not None and about.opened_by:
            return (about.opened_by,)
        return (received.message_id,) if pointer == "our_message_id" else ()
