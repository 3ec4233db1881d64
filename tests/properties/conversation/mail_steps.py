"""Steps in which people write: requests, answers to their own and to other people's notices."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.reasons import Verdict
from tests.properties.conversation.expectations import ACTIVE, PENDING, REMOVED
from tests.properties.conversation.mails import AUTOMATIC_MARKERS, quoted
from tests.properties.conversation.outcomes import THANKS, UNSUBSCRIBE
from tests.properties.conversation.people import (
    AT_SALES,
    AT_SUPPORT,
    CONTACTS,
    EVERYBODY,
    SALES,
)
from tests.properties.conversation.pipeline import SentNotice
from tests.properties.conversation.support_model import SupportModel

anybody = st.sampled_from(EVERYBODY)
authors = st.sampled_from([*AT_SUPPORT.users] * 3 + [*EVERYBODY])
copied = st.lists(anybody, max_size=3, unique=True).map(tuple)
picks = st.integers(0, 9)
"""The index of an item, counted from the newest."""
automatic_markers = st.sampled_from([*[""] * 12, *AUTOMATIC_MARKERS])
proofs = st.sampled_from(["proven"] * 6 + ["nothing"] * 4 + ["forged", "doubtful"])
SUBJECTS = ("Printer", "[P1] Printer", "Critical: production is down", "Fwd: Printer")
SAYINGS = {
    "claim": "P1: production is down!",
    "escalate": "#escalate Nobody answers.",
    "fact": "It is on floor 4, since noon.",
}
COMMANDS = (
    "",
    "#note",
    "#status pending",
    "#status resolved",
    "#status closed",
    "#status open",
    "#severity low",
    "#severity critical",
    "#complete",
    "#field floor 4",
    "#nonsense",
)


class MailSteps(SupportModel):
    """Mails of customers, guests, strangers and staff."""

    @rule(author=authors, cc=copied, subject=st.sampled_from(SUBJECTS), send_notices=st.booleans())
    def open_a_ticket(
        self, author: str, cc: tuple[str, ...], subject: str, send_notices: bool
    ) -> None:
        mail = self._write_mail(author, self._new_marker(), cc=cc, subject=subject)
        self._deliver(mail, send_notices)

    @rule(author=st.sampled_from([*AT_SALES.users, *AT_SALES.everybody]), cc=copied)
    def open_a_ticket_in_the_other_mailbox(self, author: str, cc: tuple[str, ...]) -> None:
        mail = self._write_mail(author, self._new_marker(), cc=cc, recipients=(SALES,))
        self._deliver(mail, send_notices=True)

    @precondition(lambda self: self.sent_notices)
    @rule(
        pick=picks,
        proof=proofs,
        cc=copied,
        content=st.sampled_from(["text", "text", "text", "thanks", "unsubscribe"]),
        quote=st.booleans(),
        automatic_marker=automatic_markers,
        send_notices=st.booleans(),
    )
    def answer_a_notice(
        self,
        pick: int,
        proof: str,
        cc: tuple[str, ...],
        content: str,
        quote: bool,
        automatic_marker: str,
        send_notices: bool,
    ) -> None:
        """The recipient of a notice answers to its reply address."""
        received = self._nth_newest(self.sent_notices, pick)
        if not received.reply_address or self._is_to_staff(received):
            return
        text = {"thanks": THANKS, "unsubscribe": UNSUBSCRIBE}.get(content) or self._new_marker()
        text = f"{SAYINGS[content]}\n{text}" if content in SAYINGS else text
        if quote:
            text = f"{text}\n\n{quoted(received.texts[0])}"
        answer = self._write_mail(
            received.recipient,
            text,
            proof=proof,
            recipients=(received.reply_address,),
            subject=f"Re: {received.subject}",
            cc=cc,
            automatic_marker=automatic_marker,
            references=(received.message_id,),
        )
        self._deliver(answer, send_notices)

    @precondition(lambda self: self._notices_to_customers())
    @rule(pick=picks, saying=st.sampled_from(list(SAYINGS)), proof=proofs, closes=st.booleans())
    def a_customer_wants_more(self, pick: int, saying: str, proof: str, closes: bool) -> None:
        """A claim, an escalation or a missing fact, by the reply address of a notice; perhaps once
        the ticket is closed, so that it opens the next one."""
        received = self._nth_newest(self._notices_to_customers(), pick)
        if closes and received.ticket in self.changeable_tickets:
            self._close(received.ticket)
        mail = self._write_mail(
            received.recipient,
            f"{SAYINGS[saying]}\n{self._new_marker()}",
            proof=proof,
            recipients=(received.reply_address,),
            references=(received.message_id,),
        )
        receipt = self._deliver(mail, send_notices=True)
        self.performed[f"{saying}: {receipt.verdict}"] += 1

    def _notices_to_customers(self) -> list[SentNotice]:
        return [p for p in self.sent_notices if p.reply_address and not self._is_to_staff(p)]

    @precondition(lambda self: any(p.recipient in CONTACTS for p in self.sent_notices))
    @rule(
        pick=picks,
        pointer=st.sampled_from(["our_message_id", "tag", "many", "none"]),
        proof=proofs,
        send_notices=st.booleans(),
    )
    def a_contact_answers(self, pick: int, pointer: str, proof: str, send_notices: bool) -> None:
        """The person on duty answers a notice; with `none` they write a mail of their own."""
        to_contacts = [p for p in self.sent_notices if p.recipient in CONTACTS and p.ticket]
        of_contacts = [p for p in to_contacts if p.notice.kind.traits.to_contacts]
        if not of_contacts:
            return
        received = self._nth_newest(of_contacts, pick)
        tag = f"[#{received.ticket}] " if pointer in ("tag", "many") else ""
        mail = self._write_mail(
            received.recipient,
            self._new_marker(),
            proof=proof,
            recipients=(received.mailbox,),
            references=self._references(received, pointer),
            subject=f"Re: {tag}Printer",
        )
        self._deliver(mail, send_notices)
        self.performed["a contact answered"] += 1

    @precondition(lambda self: self.sent_notices)
    @rule(
        author=anybody,
        presence=st.sampled_from(["", ACTIVE, PENDING, REMOVED]),
        pick=picks,
        pointer=st.sampled_from(["token", "our_message_id", "known_message_id", "tag", "many"]),
        proof=proofs,
        cc=copied,
        blind=st.booleans(),
        automatic_marker=automatic_markers,
        send_notices=st.booleans(),
    )
    def answer_a_forwarded_notice(
        self,
        author: str,
        presence: str,
        pick: int,
        pointer: str,
        proof: str,
        cc: tuple[str, ...],
        blind: bool,
        automatic_marker: str,
        send_notices: bool,
    ) -> None:
        """Anybody, or a participant, answers a notice to somebody else, by one pointer or all."""
        received = self._nth_newest(self.sent_notices, pick)
        participants = self.expectations[received.mailbox].participants.get(received.ticket, {})
        present = [a for a, p in participants.items() if p.presence == presence]
        author = self._nth_newest(present, pick) if present else author
        by_token = pointer in ("token", "many") and received.reply_address
        tag = f"[#{received.ticket}] " if pointer in ("tag", "many") else ""
        mail = self._write_mail(
            author,
            self._new_marker(),
            proof=proof,
            recipients=(received.reply_address if by_token else received.mailbox,),
            references=self._references(received, pointer),
            subject=f"Re: {tag}Printer",
            cc=cc,
            to_header=() if blind else None,
            automatic_marker=automatic_marker,
        )
        self._deliver(mail, send_notices)

    def _references(self, received: SentNotice, pointer: str) -> tuple[str, ...]:
        if pointer == "known_message_id":
            first = received.notice.about.opened_by if received.notice.about is not None else ""
            return (first,) if first else ()
        return (received.message_id,) if pointer in ("our_message_id", "many") else ()

    @precondition(lambda self: self.sent_notices)
    @rule(pick=picks, other=picks, proof=st.sampled_from(["nothing", "forged"]))
    def somebody_impersonates_another_participant(self, pick: int, other: int, proof: str) -> None:
        """By their own reply address, with the other's address in From."""
        received = self._nth_newest(
            [p for p in self.sent_notices if p.ticket] or self.sent_notices, pick
        )
        participants = self.expectations[received.mailbox].participants.get(received.ticket, {})
        others = [
            a for a, p in participants.items() if p.presence == ACTIVE and a != received.recipient
        ]
        if not others or not received.reply_address:
            return
        author = self._nth_newest(others, other)
        mail = self._write_mail(
            author, self._new_marker(), proof=proof, recipients=(received.reply_address,)
        )
        self._deliver(mail, send_notices=True)
        self.performed["impersonated a participant"] += 1

    @precondition(lambda self: self._notices_to_staff())
    @rule(
        pick=picks,
        to=st.sampled_from(["reply", "reply", "reply", "note", "nothing"]),
        command=st.sampled_from([*[""] * len(COMMANDS), *COMMANDS, "#cc +", "#cc -", "#merge"]),
        other=anybody,
        quote=st.sampled_from(["none", "below", "around"]),
        cc=copied,
        send_notices=st.booleans(),
    )
    def staff_answer(
        self,
        pick: int,
        to: str,
        command: str,
        other: str,
        quote: str,
        cc: tuple[str, ...],
        send_notices: bool,
    ) -> None:
        received = self._nth_newest(self._notices_to_staff(), pick)
        expected = self.expectations[received.mailbox]
        addresses = {"reply": received.reply_address, "note": received.note_address}
        address = addresses.get(to) or received.mailbox
        if command.startswith("#cc"):
            command += other
        target = 0
        if command == "#merge":
            target = self._nth_newest(sorted(expected.participants), pick)
            command += f" {target}"
        comment = self._new_marker()
        if quote == "below":
            comment += f"\n\n{quoted(received.texts[0])}"
        elif quote == "around":
            inner = received.texts[0].split("\n\n", 1)[-1]
            comment += f"\n\n{quoted(inner, dated=False)}\n\nThat is all."
        text = f"{command}\n\n{comment}" if command else comment
        references = (received.message_id,)
        mail = self._write_mail(
            received.recipient, text, recipients=(address,), cc=cc, references=references
        )
        pointed = self._first_pointed_ticket(expected, mail)
        receipt = self._deliver(mail, send_notices=False)
        if receipt.verdict is Verdict.COMMENTED and pointed is not None:
            if command.startswith("#cc +"):
                expected.admit_participant(pointed, other)
            elif command.startswith("#cc -"):
                expected.remove_participant(pointed, other)
            elif target:
                expected.merge(pointed, target)
        if send_notices:
            self._send_notices()
