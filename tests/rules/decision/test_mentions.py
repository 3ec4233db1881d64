"""A customer's line that mentions a command and is none."""

from __future__ import annotations

import pytest

from rules.decision.model import AddComment
from rules.decision.reasons import Reason
from rules.ticket.notices import NoticeKind
from tests.rules.building import ANN, World, a_mail, notified, token_to


@pytest.mark.parametrize("line", ["#escalate is not what we want", "#escalate does nothing"])
def test_it_is_a_comment_and_its_author_reads_how_to_escalate(line: str) -> None:
    decision = World().decide(a_mail(text=line), to=token_to(70))

    assert decision.reason is Reason.REPLY_TOKEN
    assert isinstance(decision.action, AddComment)
    assert not decision.action.command_effects.rows
    assert notified(decision, NoticeKind.RECEIPT) == [ANN.address]


def test_other_sentences_are_answered_by_nobody() -> None:
    for line in ("#12 in the list is broken\n#escalate", "#unsubscribe does not work"):
        decision = World().decide(a_mail(text=line), to=token_to(70))

        assert not notified(decision, NoticeKind.RECEIPT)
