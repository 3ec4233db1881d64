"""What people write: requests, answers to what they got, and answers to what others got."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.model import Verdict
from tests.properties.conversation.expectations import ACTIVE, PENDING, REMOVED
from tests.properties.conversation.mails import SIGNS, quoted
from tests.properties.conversation.outcomes import LEAVE, THANKS
from tests.properties.conversation.people import AT_SALES, AT_SUPPORT, EVERYBODY, SALES
from tests.properties.conversation.pipeline import Posted
from tests.properties.conversation.support_model import Desk

people = st.sampled_from(EVERYBODY)
authors = st.sampled_from([*AT_SUPPORT.users] * 3 + [*EVERYBODY])
copied = st.lists(people, max_size=3, unique=True).map(tuple)
picks = st.integers(0, 9)
"""Which of what there is, the newest first."""
signs = st.sampled_from([*[""] * 12, *SIGNS])
proofs = st.sampled_from(["proven"] * 6 + ["nothing"] * 4 + ["forged", "doubtful"])
SUBJECTS = ("Printer", "[P1] Printer", "Critical: production is down", "Fwd: Printer")
HEADS = (
    "",
    "#note",
    "#status pending",
    "#status resolved",
    "#status closed",
    "#status open",
    "#severity low",
    "#severity critical",
    "#nonsense",
)


class Writers(Desk):
    @rule(author=authors, cc=copied, subject=st.sampled_from(SUBJECTS), post=st.booleans())
    def open_a_ticket(self, author: str, cc: tuple[str, ...], subject: str, post: bool) -> None:
        self._send(self._letter(author, self._word(), cc=cc, subject=subject), post)

    @rule(author=st.sampled_from([*AT_SALES.users, *AT_SALES.everybody]), cc=copied)
    def open_a_ticket_at_the_other_desk(self, author: str, cc: tuple[str, ...]) -> None:
        self._send(self._letter(author, self._word(), cc=cc, rcpts=(SALES,)), post=True)

    @precondition(lambda self: self.inbox)
    @rule(
        pick=picks,
        proof=proofs,
        cc=copied,
        says=st.sampled_from(["word", "word", "word", "thanks", "leave"]),
        quote=st.booleans(),
        sign=signs,
        post=st.booleans(),
    )
    def answer_a_notice(
        self,
        pick: int,
        proof: str,
        cc: tuple[str, ...],
        says: str,
        quote: bool,
        sign: str,
        post: bool,
    ) -> None:
        """Whoever got a notice answers to the address that it gives him."""
        got = self._newest(self.inbox, pick)
        if not got.reply_address or self._is_staffs(got):
            return
        text = {"thanks": THANKS, "leave": LEAVE}.get(says) or self._word()
        if quote:
            text = f"{text}\n\n{quoted(got.texts[0])}"
        answer = self._letter(
            got.comes_to,
            text,
            proof=proof,
            rcpts=(got.reply_address,),
            cc=cc,
            sign=sign,
            references=(got.message_id,),
        )
        self._send(answer, post)

    @precondition(lambda self: self.inbox)
    @rule(
        author=people,
        who=st.sampled_from(["", ACTIVE, PENDING, REMOVED]),
        pick=picks,
        how=st.sampled_from(["token", "ours", "theirs", "tag", "many"]),
        proof=proofs,
        cc=copied,
        blind=st.booleans(),
        sign=signs,
        post=st.booleans(),
    )
    def answer_what_was_passed_on(
        self,
        author: str,
        who: str,
        pick: int,
        how: str,
        proof: str,
        cc: tuple[str, ...],
        blind: bool,
        sign: str,
        post: bool,
    ) -> None:
        """Anybody, or somebody of the ticket, answers a notice that was somebody else's, by one
        of its signs or by all."""
        got = self._newest(self.inbox, pick)
        seats = self.books[got.mailbox].seats.get(got.ticket, {})
        there = [address for address, seat in seats.items() if seat.presence == who]
        author = self._newest(there, pick) if there else author
        by_token = how in ("token", "many") and got.reply_address
        letter = self._letter(
            author,
            self._word(),
            proof=proof,
            rcpts=(got.reply_address if by_token else got.mailbox,),
            references=self._references(got, how),
            subject=f"Re: [#{got.ticket}] Printer" if how in ("tag", "many") else "Re: Printer",
            cc=cc,
            shown=() if blind else None,
            sign=sign,
        )
        self._send(letter, post)

    def _references(self, got: Posted, how: str) -> tuple[str, ...]:
        if how == "theirs":
            first = got.notice.about.opened_by if got.notice.about is not None else ""
            return (first,) if first else ()
        return (got.message_id,) if how in ("ours", "many") else ()

    @precondition(lambda self: self.inbox)
    @rule(pick=picks, other=picks, proof=st.sampled_from(["nothing", "forged"]))
    def somebody_pretends_to_be_another_of_the_ticket(
        self, pick: int, other: int, proof: str
    ) -> None:
        """With a reply address that was his own, and the other's name in From."""
        got = self._newest([p for p in self.inbox if p.ticket] or self.inbox, pick)
        seats = self.books[got.mailbox].seats.get(got.ticket, {})
        others = [a for a, s in seats.items() if s.presence == ACTIVE and a != got.comes_to]
        if not others or not got.reply_address:
            return
        author = self._newest(others, other)
        letter = self._letter(author, self._word(), proof=proof, rcpts=(got.reply_address,))
        self._send(letter, post=True)
        self.acted["pretended to be another"] += 1

    @precondition(lambda self: self._at_the_desk())
    @rule(
        pick=picks,
        to=st.sampled_from(["reply", "reply", "reply", "note", "nothing"]),
        head=st.sampled_from([*[""] * len(HEADS), *HEADS, "#cc +", "#cc -", "#merge"]),
        other=people,
        quote=st.sampled_from(["none", "below", "around"]),
        cc=copied,
        post=st.booleans(),
    )
    def staff_answer(
        self,
        pick: int,
        to: str,
        head: str,
        other: str,
        quote: str,
        cc: tuple[str, ...],
        post: bool,
    ) -> None:
        got = self._newest(self._at_the_desk(), pick)
        book = self.books[got.mailbox]
        address = {"reply": got.reply_address, "note": got.note_address}.get(to) or got.mailbox
        if head.startswith("#cc"):
            head += other
        goal = 0
        if head == "#merge":
            goal = self._newest(sorted(book.seats), pick)
            head += f" {goal}"
        said = self._word()
        if quote == "below":
            said += f"\n\n{quoted(got.texts[0])}"
        elif quote == "around":
            inner = got.texts[0].split("\n\n", 1)[-1]
            said += f"\n\n{quoted(inner, dated=False)}\n\nThat is all."
        text = f"{head}\n\n{said}" if head else said
        references = (got.message_id,)
        letter = self._letter(got.comes_to, text, rcpts=(address,), cc=cc, references=references)
        before = self._lead_of(book, letter)
        receipt = self._send(letter, post=False)
        if receipt.verdict is Verdict.COMMENTED and before is not None:
            if head.startswith("#cc +"):
                book.take_in(before, other)
            elif head.startswith("#cc -"):
                book.leave_out(before, other)
            elif goal:
                book.merge(before, goal)
        if post:
            self._post()
