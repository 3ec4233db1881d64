"""Threads in disorder, or by the wrong door: late parents, and the marks of another desk."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.conversation.mail_steps import authors, copied, people, picks
from tests.properties.conversation.mails import Letter
from tests.properties.conversation.people import AT_SALES, AT_SUPPORT, SALES, SUPPORT
from tests.properties.conversation.pipeline import Posted
from tests.properties.conversation.support_model import Desk

IN_BOTH = ("bob@acme.example", "gwen@globex.example", "sue@help.example")
desks = st.sampled_from([SUPPORT, SUPPORT, SALES])
partners = st.sampled_from([*AT_SUPPORT.users] * 2 + [*AT_SALES.users, *AT_SUPPORT.unenrolled])


class Threads(Desk):
    # ---- late parents -------------------------------------------------------------------------

    @rule(
        parent=partners,
        author=partners,
        mailbox=desks,
        cc=copied,
        to_all=st.booleans(),
        at_once=st.booleans(),
        post=st.booleans(),
    )
    def an_answer_comes_before_its_parent(
        self,
        parent: str,
        author: str,
        mailbox: str,
        cc: tuple[str, ...],
        to_all: bool,
        at_once: bool,
        post: bool,
    ) -> None:
        """Somebody answers a letter that is still on its way, perhaps with its author in Cc."""
        late = self._letter(parent, self._word(), rcpts=(mailbox,))
        self.unsent.append(late)
        cc = tuple(dict.fromkeys((parent, *cc))) if to_all else cc
        self._answer_early(author, late.message_id, mailbox, cc, post)
        if at_once:
            self._parent_comes(late, post)

    @precondition(lambda self: self.unsent)
    @rule(author=partners, pick=picks, cc=copied, post=st.booleans())
    def another_answers_it_too(
        self, author: str, pick: int, cc: tuple[str, ...], post: bool
    ) -> None:
        late = self._newest(self.unsent, pick)
        self._answer_early(author, late.message_id, late.rcpts[0], cc, post)

    def _answer_early(
        self, author: str, parent: str, mailbox: str, cc: tuple[str, ...], post: bool
    ) -> None:
        letter = self._letter(
            author,
            self._word(),
            rcpts=(mailbox,),
            subject="Re: Printer",
            references=(parent,),
            cc=cc,
        )
        self._send(letter, post)

    @precondition(lambda self: self.unsent)
    @rule(pick=picks, post=st.booleans())
    def the_parent_comes(self, pick: int, post: bool) -> None:
        self._parent_comes(self._newest(self.unsent, pick), post)

    def _parent_comes(self, late: Letter, post: bool) -> None:
        self.unsent.remove(late)
        verdict = self._send(late, post).verdict
        self.acted[f"late parent {verdict}"] += 1

    # ---- two desks ----------------------------------------------------------------------------

    @rule(
        author=st.sampled_from([*IN_BOTH] * 4 + [*AT_SUPPORT.users, *AT_SALES.users]),
        cc=copied,
        shown=st.sampled_from(["both", "both", "first", "second", "none"]),
        first=st.booleans(),
        got=picks,
        answers=st.booleans(),
    )
    def one_writes_to_both(
        self, author: str, cc: tuple[str, ...], shown: str, first: bool, got: int, answers: bool
    ) -> None:
        """One letter; perhaps with an address that one of the desks gave him, and to the other."""
        rcpts = [SUPPORT, SALES]
        his = [p for p in self.inbox if p.comes_to == author and p.reply_address]
        references: tuple[str, ...] = ()
        if answers and his:
            posted = self._newest(his, got)
            rcpts[posted.mailbox == SALES] = posted.reply_address
            references = (posted.message_id,)
        if not first:
            rcpts.reverse()
        to = {"both": rcpts, "first": rcpts[:1], "second": rcpts[1:], "none": []}[shown]
        letter = self._letter(
            author,
            self._word(),
            rcpts=tuple(rcpts),
            shown=tuple(to),
            references=references,
            cc=cc,
        )
        self._send(letter, post=True)
        self.acted["wrote to both"] += 1

    @precondition(lambda self: self.inbox)
    @rule(
        pick=picks,
        who=st.sampled_from(["known at both", "known at both", "whoever got it", "anybody"]),
        other=authors,
        how=st.sampled_from(["token", "ours", "theirs", "tag", "tag", "words"]),
        proof=st.sampled_from(["proven", "proven", "proven", "nothing"]),
        cc=people,
    )
    def what_one_desk_gave_is_shown_to_the_other(
        self, pick: int, who: str, other: str, how: str, proof: str, cc: str
    ) -> None:
        """Whoever got it, somebody who is known at both, or anybody."""
        given = [p for p in self.inbox if p.ticket and p.reply_address]
        if not given:
            return
        got = self._newest(given, pick)
        there = SALES if got.mailbox == SUPPORT else SUPPORT
        author = got.comes_to if who == "whoever got it" else other
        if who == "known at both":  # best somebody who is on that ticket
            active = self._customers(got.ticket)
            author = self._newest([a for a in IN_BOTH if a in active] or IN_BOTH[-1:], pick)
        rcpt = self._moved(got.reply_address, there) if how == "token" else there
        letter = self._letter(
            author,
            self._word() + (f"\nSee {got.reply_address}." if how == "words" else ""),
            proof=proof,
            rcpts=(rcpt,),
            references=self._shown(got, how),
            subject=f"Re: [#{got.ticket}] Printer" if how == "tag" else "Re: Printer",
            cc=(cc,),
        )
        self._send(letter, post=True)
        self.acted["shown at the other desk"] += 1

    def _moved(self, address: str, mailbox: str) -> str:
        """The token of an address, at another mailbox."""
        token = address.partition("@")[0].partition("+")[2]
        return mailbox.replace("@", f"+{token}@")

    def _shown(self, got: Posted, how: str) -> tuple[str, ...]:
        if how == "theirs" and got.notice.about is not None and got.notice.about.opened_by:
            return (got.notice.about.opened_by,)
        return (got.message_id,) if how == "ours" else ()
