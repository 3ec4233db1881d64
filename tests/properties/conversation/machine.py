"""Everybody writes, in any order; after each step the laws of the conversation hold."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision import Verdict
from rules.facts import Role
from rules.ticket.changes import (
    AddPerson,
    Change,
    Delete,
    Merge,
    Publish,
    RemovePerson,
    SetStatus,
    SettlePerson,
)
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility
from storage import registry
from tests.properties.conversation import laws
from tests.properties.conversation.book import ACTIVE, PENDING, REMOVED, Token
from tests.properties.conversation.cast import EVERYBODY, STAFF, SUPPORT, UNENROLLED, USERS
from tests.properties.conversation.desk import Desk
from tests.properties.conversation.gate import Posted
from tests.properties.conversation.letters import PROOFS, SIGNS, quoted, report

people = st.sampled_from(EVERYBODY)
copied = st.lists(people, max_size=3, unique=True).map(tuple)
picks = st.integers(0, 9)
"""Which of what there is, the newest first."""
acts = st.sampled_from(["add", "remove", "remove", "approve", "decline"])
signs = st.sampled_from([*[""] * 12, *SIGNS])
proofs = st.sampled_from(["proven", "proven", "proven", "nothing", "nothing", "forged"])
THANKS, LEAVE = "Thanks a lot!", "#unsubscribe"
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


class Conversation(Desk):
    """What people, machines and the desk do."""

    # ---- people write -------------------------------------------------------------------------

    @rule(
        author=st.sampled_from([*USERS[:3] * 3, *USERS, *STAFF, UNENROLLED]),
        cc=copied,
        subject=st.sampled_from(SUBJECTS),
        post=st.booleans(),
    )
    def open_a_ticket(self, author: str, cc: tuple[str, ...], subject: str, post: bool) -> None:
        self._send(self._letter(author, self._word(), cc=cc, subject=subject), post)

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
        if not got.reply_address or got.comes_to in STAFF:
            return
        text = {"thanks": THANKS, "leave": LEAVE}.get(says) or self._word()
        if quote:
            text = f"{text}\n\n{quoted(got.texts[0])}"
        answer = self._letter(
            got.comes_to,
            text,
            proof=proof,
            rcpt=got.reply_address,
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
        seats = self.book.seats.get(got.ticket, {})
        there = [address for address, seat in seats.items() if seat.presence == who]
        author = self._newest(there, pick) if there else author
        letter = self._letter(
            author,
            self._word(),
            proof=proof,
            rcpt=(got.reply_address or SUPPORT) if how in ("token", "many") else SUPPORT,
            references=self._references(got, how),
            subject=f"Re: [#{got.ticket}] Printer" if how in ("tag", "many") else "Re: Printer",
            cc=cc,
            blind=blind,
            sign=sign,
        )
        self._send(letter, post)

    def _references(self, got: Posted, how: str) -> tuple[str, ...]:
        if how == "theirs":
            first = got.notice.about.opened_by if got.notice.about is not None else ""
            return (first,) if first else ()
        return (got.message_id,) if how in ("ours", "many") else ()

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
        address = {"reply": got.reply_address, "note": got.note_address}.get(to) or SUPPORT
        if head.startswith("#cc"):
            head += other
        goal = 0
        if head == "#merge":
            goal = self._newest(sorted(self.book.seats), pick)
            head += f" {goal}"
        said = self._word()
        if quote == "below":
            said += f"\n\n{quoted(got.texts[0])}"
        elif quote == "around":
            inner = got.texts[0].split("\n\n", 1)[-1]
            said += f"\n\n{quoted(inner, dated=False)}\n\nThat is all."
        text = f"{head}\n\n{said}" if head else said
        letter = self._letter(got.comes_to, text, rcpt=address, cc=cc, references=(got.message_id,))
        before = self._lead_of(letter)
        receipt = self._send(letter, post=False)
        if receipt.verdict is Verdict.COMMENTED and before is not None:
            if head.startswith("#cc +"):
                self.book.take_in(before, other)
            elif head.startswith("#cc -"):
                self.book.leave_out(before, other)
            elif goal:
                self.book.merge(before, goal)
        if post:
            self._post()

    # ---- machines write -----------------------------------------------------------------------

    @precondition(lambda self: self.inbox)
    @rule(pick=picks, post=st.booleans())
    def a_notice_comes_back(self, pick: int, post: bool) -> None:
        """Its mailbox is gone, and says so to the return path."""
        with_path = [p for p in self.inbox if p.outgoing.mail_from]
        if not with_path:
            return
        got = self._newest(with_path, pick)
        self.numbers += 1
        raw = report(got.comes_to, self.numbers)
        before = self.book.hard.get(got.comes_to, 0)
        receipt, _ = self.gate.take(raw, "", got.outgoing.mail_from, PROOFS["nothing"])
        note(f"a bounce of {got.notice.kind} to {got.comes_to}: {receipt.verdict}")
        if got.outgoing.id not in self.reported:
            self.reported.add(got.outgoing.id)
            self.book.hard[got.comes_to] = before + 1
        suspends = before < 2 <= self.book.hard.get(got.comes_to, 0)
        laws.nothing_was_caused(self.gate, receipt, but_alert=suspends)
        laws.was_filed_once(self.gate, receipt)
        if post:
            self._post()

    @precondition(lambda self: self.inbox)
    @rule(pick=picks, author=people, proof=st.sampled_from(["proven", "nothing"]))
    def a_notice_is_sent_back_as_it_is(self, pick: int, author: str, proof: str) -> None:
        """By a forwarder that puts another From on it, and keeps the rest."""
        got = self._newest(self.inbox, pick)
        mark = got.mail["X-Postern-Loop"]
        letter = self._letter(
            author,
            self._word(),
            proof=proof,
            rcpt=got.reply_address or SUPPORT,
            references=(got.message_id,),
            sign="auto-submitted",
            fields=f"X-Postern-Loop: {mark}\r\n",
        )
        self._send(letter, post=False)

    @precondition(lambda self: self.letters)
    @rule(pick=picks)
    def the_same_mail_again(self, pick: int) -> None:
        letter, first = self._newest(self.letters, pick)
        receipt, _ = self._take(letter)
        note(f"again, letter {letter.number}: {receipt.verdict}")
        assert receipt.reply == first.reply
        assert receipt.verdict is Verdict.DUPLICATE
        laws.nothing_was_caused(self.gate, receipt)

    # ---- the desk acts ------------------------------------------------------------------------

    @precondition(lambda self: self.book.open_numbers)
    @rule(pick=picks, status=st.sampled_from(list(Status)))
    def the_status_is_set(self, pick: int, status: Status) -> None:
        self._change(self._newest(self.book.open_numbers, pick), SetStatus(status))

    @precondition(lambda self: self.book.open_numbers)
    @rule(
        pick=picks,
        who=people,
        act=st.sampled_from(["add", "remove", "approve", "decline"]),
        spoken=st.booleans(),
    )
    def somebody_comes_or_goes(self, pick: int, who: str, act: str, spoken: bool) -> None:
        ticket = self._newest(self.book.open_numbers, pick)
        waiting = [a for a, s in self.book.seats[ticket].items() if s.presence == PENDING]
        if act in ("approve", "decline") and waiting:
            who = waiting[0]
        elif act == "remove":
            who = self._newest(list(self.book.seats[ticket]), pick)
        was = self.book.presence(ticket, who)
        change: Change
        match act:
            case "add":
                change = AddPerson(who)
            case "remove":
                change = RemovePerson(who)
            case _:
                change = SettlePerson(who, take_in=act == "approve")
        if spoken:  # what is on its way to him must not arrive
            self._say_at_the_desk(ticket, STAFF[0], Visibility.PUBLIC)
        if not self._change(ticket, change):
            return
        if act in ("add", "approve"):
            self.book.take_in(ticket, who)
        else:
            assert was in (ACTIVE, PENDING) or who in STAFF
            self.book.leave_out(ticket, who)

    @precondition(lambda self: self.book.tokens)
    @rule(pick=picks, author=people, himself=st.booleans(), proof=proofs)
    def somebody_goes_and_his_address_is_used(
        self, pick: int, author: str, himself: bool, proof: str
    ) -> None:
        """By himself or by whoever has a mail that names it."""
        addresses = [a for a, token in self.book.tokens.items() if self._may_go(token)]
        if not addresses:
            return
        address = self._newest(addresses, pick)
        token = self.book.tokens[address]
        if self.book.is_live(token):
            if not self._change(token.ticket, RemovePerson(token.holder)):
                return
            self.book.leave_out(token.ticket, token.holder)
        author = token.holder if himself else author
        self._send(self._letter(author, self._word(), proof=proof, rcpt=address), post=True)

    def _may_go(self, token: Token) -> bool:
        is_his = token.holder == self.book.requester[token.ticket]
        return token.ticket in self.book.open_numbers and token.holder not in STAFF and not is_his

    @precondition(lambda self: len(self.book.open_numbers) > 1)
    @rule(pick=picks, into=picks)
    def two_are_merged(self, pick: int, into: int) -> None:
        ticket = self._newest(self.book.open_numbers, pick)
        company = self.book.company[ticket]
        mergeable = [t for t in self.book.open_numbers if self.book.company[t] == company]
        goal = self._newest(mergeable if into else self.book.open_numbers, into)
        if self._change(ticket, Merge(goal)):
            self.book.merge(ticket, goal)

    @precondition(lambda self: len(self.book.open_numbers) > 2)
    @rule(pick=picks)
    def one_is_deleted(self, pick: int) -> None:
        ticket = self._newest(self.book.open_numbers, pick)
        if self._change(ticket, Delete("asked to")):
            self.book.deleted.add(ticket)

    @precondition(lambda self: self.book.open_numbers)
    @rule(
        pick=picks,
        who=st.sampled_from(STAFF),
        visibility=st.sampled_from([Visibility.PUBLIC, Visibility.NOTE]),
    )
    def staff_say_at_the_desk(self, pick: int, who: str, visibility: Visibility) -> None:
        self._say_at_the_desk(self._newest(self.book.open_numbers, pick), who, visibility)

    @precondition(lambda self: self.book.seats)
    @rule(pick=picks)
    def a_flagged_comment_is_accepted(self, pick: int) -> None:
        flagged = self.gate.rows(
            "SELECT id, ticket_id, text FROM comment WHERE visibility = 'private'"
        )
        if not flagged:
            return
        row = self._newest(flagged, pick)
        if self._change(row.ticket_id, Publish(row.id)):
            for word in laws.words_in(laws.own_words(row.text)):
                self.book.said[word].visibility = "public"

    @rule(who=st.sampled_from([*USERS, STAFF[1]]), back=st.booleans())
    def an_account_is_closed_or_opened(self, who: str, back: bool) -> None:
        role = Role.STAFF if who in STAFF else Role.USER
        self.gate.transact(
            lambda c: registry.set_person_active(c, self.gate.mailbox, role, who, back)
        )
        note(f"{who} is {'active' if back else 'deactivated'}")
        (self.book.deactivated.discard if back else self.book.deactivated.add)(who)

    @rule(span=st.sampled_from([timedelta(minutes=5), timedelta(hours=2), timedelta(days=15)]))
    def time_passes(self, span: timedelta) -> None:
        self.gate.wait(span)

    @rule()
    def the_notices_go_out(self) -> None:
        self._post()
