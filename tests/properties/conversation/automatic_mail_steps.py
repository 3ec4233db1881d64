"""Steps in which machines write: bounces, loops, and repeated deliveries of the same mail."""

from __future__ import annotations

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rules.decision.reasons import Verdict
from tests.properties.conversation import invariants
from tests.properties.conversation.mail_steps import anybody, picks
from tests.properties.conversation.mails import PROOFS, bounce_report
from tests.properties.conversation.support_model import SupportModel


class AutomaticMailSteps(SupportModel):
    """Mails that no person wrote, and repeated ones."""

    @precondition(lambda self: self.sent_notices)
    @rule(pick=picks, send_notices=st.booleans())
    def a_notice_bounces(self, pick: int, send_notices: bool) -> None:
        """Its recipient's server reports a permanent failure to the return path."""
        returnable = [p for p in self.sent_notices if p.outgoing.mail_from]
        if not returnable:
            return
        received = self._nth_newest(returnable, pick)
        self.last_number += 1
        raw = bounce_report(received.recipient, self.last_number)
        hard_bounces = self.expectations[received.mailbox].registry.hard_bounces
        before = hard_bounces.get(received.recipient, 0)
        (result,) = self.pipeline.process(
            raw, "", (received.outgoing.mail_from,), PROOFS["nothing"]
        )
        kind, verdict = received.notice.kind, result.receipt.verdict
        note(f"a bounce of {kind} to {received.recipient}: {verdict}")
        if received.outgoing.id not in self.bounced_ids:
            self.bounced_ids.add(received.outgoing.id)
            hard_bounces[received.recipient] = before + 1
        is_now_suppressed = before < 2 <= hard_bounces.get(received.recipient, 0)
        invariants.no_notice_was_caused(
            self.pipeline, result.receipt, except_alert=is_now_suppressed
        )
        invariants.mail_is_filed_once(self.pipeline, result.receipt)
        if send_notices:
            self._send_notices()

    @precondition(lambda self: self.sent_notices)
    @rule(pick=picks, author=anybody, proof=st.sampled_from(["proven", "nothing"]))
    def a_notice_loops_back(self, pick: int, author: str, proof: str) -> None:
        """A forwarder replaces From and keeps the rest of the header."""
        received = self._nth_newest(self.sent_notices, pick)
        loop_marker = received.mail["X-Postern-Loop"]
        mail = self._write_mail(
            author,
            self._new_marker(),
            proof=proof,
            recipients=(received.reply_address or received.mailbox,),
            references=(received.message_id,),
            automatic_marker="auto-submitted",
            extra_headers=f"X-Postern-Loop: {loop_marker}\r\n",
        )
        self._deliver(mail, send_notices=False)

    @precondition(lambda self: self.accepted_mails)
    @rule(pick=picks)
    def a_mail_is_repeated(self, pick: int) -> None:
        """The reply is the same as the first time, whatever the verdict was."""
        mail, first = self._nth_newest(self.accepted_mails, pick)
        accepted = {one.mailbox: one.receipt for one in first if one.receipt.reply.accepted}
        recipients = tuple(one for one in mail.recipients if self._mailbox_of(one) in accepted)
        proof = PROOFS[mail.proof]
        for result in self.pipeline.process(mail.raw, mail.mail_from, recipients, proof):
            note(f"again, mail {mail.number} at {result.mailbox}: {result.receipt.verdict}")
            assert result.receipt.reply == accepted[result.mailbox].reply
            assert result.receipt.verdict is Verdict.DUPLICATE
            invariants.no_notice_was_caused(self.pipeline, result.receipt)

    def _mailbox_of(self, recipient: str) -> str:
        local, _, domain = recipient.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"
