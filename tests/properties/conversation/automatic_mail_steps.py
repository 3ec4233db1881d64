"""What machines write: reports of what did not arrive, loops, and the same mail again."""

from __future__ import annotations

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.model import Verdict
from tests.properties.conversation import invariants
from tests.properties.conversation.mail_steps import people, picks
from tests.properties.conversation.mails import PROOFS, report
from tests.properties.conversation.support_model import Desk


class Machines(Desk):
    @precondition(lambda self: self.inbox)
    @rule(pick=picks, post=st.booleans())
    def a_notice_comes_back(self, pick: int, post: bool) -> None:
        """Its mailbox is gone, and says so to the return path."""
        with_path = [p for p in self.inbox if p.outgoing.mail_from]
        if not with_path:
            return
        got = self._newest(with_path, pick)
        self.numbers += 1
        raw, hard = report(got.comes_to, self.numbers), self.books[got.mailbox].roll.hard
        before = hard.get(got.comes_to, 0)
        (taken,) = self.gate.take(raw, "", (got.outgoing.mail_from,), PROOFS["nothing"])
        note(f"a bounce of {got.notice.kind} to {got.comes_to}: {taken.receipt.verdict}")
        if got.outgoing.id not in self.reported:
            self.reported.add(got.outgoing.id)
            hard[got.comes_to] = before + 1
        suspends = before < 2 <= hard.get(got.comes_to, 0)
        invariants.nothing_was_caused(self.gate, taken.receipt, but_alert=suspends)
        invariants.was_filed_once(self.gate, taken.receipt)
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
            rcpts=(got.reply_address or got.mailbox,),
            references=(got.message_id,),
            sign="auto-submitted",
            fields=f"X-Postern-Loop: {mark}\r\n",
        )
        self._send(letter, post=False)

    @precondition(lambda self: self.letters)
    @rule(pick=picks)
    def the_same_mail_again(self, pick: int) -> None:
        """Whatever became of it, its sender is answered as the first time."""
        letter, first = self._newest(self.letters, pick)
        accepted = {t.mailbox: t.receipt for t in first if t.receipt.reply.accepted}
        rcpts = tuple(one for one in letter.rcpts if self._base(one) in accepted)
        proof = PROOFS[letter.proof]
        for taken in self.gate.take(letter.raw, letter.mail_from, rcpts, proof):
            note(f"again, letter {letter.number} at {taken.mailbox}: {taken.receipt.verdict}")
            assert taken.receipt.reply == accepted[taken.mailbox].reply
            assert taken.receipt.verdict is Verdict.DUPLICATE
            invariants.nothing_was_caused(self.gate, taken.receipt)

    def _base(self, recipient: str) -> str:
        local, _, domain = recipient.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"
