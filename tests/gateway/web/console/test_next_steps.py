"""What the page of a mail says can be done next, by what became of the mail and who reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest

from gateway.web.console.next_steps import KEYS, MailState, NextStep, next_step
from gateway.web.console.verdicts import REASONS
from rules.decision.reasons import Reason, Verdict
from rules.service.console_roles import ConsoleRole

ID, OTHER = UUID(int=1), UUID(int=2)
a_mail = partial(MailState, id=ID, author="ann@acme.example")


def step_for(role: ConsoleRole, mail: MailState) -> NextStep:
    step = next_step(mail, role)
    assert step is not None
    return step


def test_every_reason_has_a_sentence_for_every_role_that_is_translated() -> None:
    said = {
        step_for(role, a_mail(verdict=verdict, reason=reason, ticket=7)).text.english
        for verdict, reasons in REASONS.items()
        for reason in reasons
        for role in ConsoleRole
    }

    assert said <= KEYS
    assert len(said) > 20


@pytest.mark.parametrize(
    ("leaves_at", "role", "expected", "path"),
    [
        (datetime(2026, 12, 14, tzinfo=UTC), ConsoleRole.AGENT, "2026-12-14", f"/held/{ID}"),
        (None, ConsoleRole.AGENT, "kept until somebody decides", f"/held/{ID}"),
        (None, ConsoleRole.VIEWER, "An agent releases or deletes it.", ""),
    ],
)
def test_a_held_mail_is_decided_on_by_who_may(
    leaves_at: datetime | None, role: ConsoleRole, expected: str, path: str
) -> None:
    mail = a_mail(verdict=Verdict.HELD, reason=Reason.LIST_MAIL, state="held", leaves_at=leaves_at)

    step = step_for(role, mail)

    assert (expected in str(step.text), step.path) == (True, path)


def test_of_a_mail_that_is_no_longer_held_the_step_names_what_became_of_it() -> None:
    held = partial(a_mail, verdict=Verdict.HELD, reason=Reason.LIST_MAIL)

    filed = step_for(ConsoleRole.AGENT, held(elsewhere=OTHER))
    discarded = step_for(ConsoleRole.AGENT, held(state="discarded"))

    assert filed.path == f"/mails/{OTHER}"
    assert "was deleted" in str(discarded.text)


def test_a_filed_mail_leads_to_its_ticket_and_a_repeat_to_the_mail_that_it_repeats() -> None:
    filed = a_mail(verdict=Verdict.COMMENTED, reason=Reason.REPLY_TOKEN, ticket=7)
    repeat = a_mail(verdict=Verdict.DUPLICATE, reason=Reason.SEEN_BEFORE, elsewhere=OTHER)

    step = step_for(ConsoleRole.VIEWER, filed)

    assert (step.path, "ticket #7" in str(step.text)) == ("/tickets/7", True)
    assert step_for(ConsoleRole.VIEWER, repeat).path == f"/mails/{OTHER}"


def test_of_a_refused_mail_operators_read_what_they_do_and_others_what_an_operator_does() -> None:
    mail = a_mail(verdict=Verdict.REFUSED, reason=Reason.STRANGER)

    operator, agent = step_for(ConsoleRole.OPERATOR, mail), step_for(ConsoleRole.AGENT, mail)

    assert "register them" in str(operator.text)
    assert operator.path == "/people?text=acme.example"
    assert "an operator registers them" in str(agent.text)
    assert agent.path == ""


@pytest.mark.parametrize("reason", [Reason.NO_SUPPORT, Reason.PORTAL_ONLY, Reason.DEACTIVATED])
def test_of_a_refusal_that_nobody_saw_staff_read_that_they_write_to_its_author(
    reason: Reason,
) -> None:
    mail = a_mail(verdict=Verdict.REFUSED, reason=reason, unread=True)

    operator, agent = step_for(ConsoleRole.OPERATOR, mail), step_for(ConsoleRole.AGENT, mail)

    for step in (operator, agent):
        assert str(step.text).startswith("Its author saw no refusal")
        assert step.text.english in KEYS
    assert (operator.path, agent.path) == ("/people?text=ann%40acme.example", "")


def test_a_verdict_of_a_newer_version_has_no_step() -> None:
    assert next_step(a_mail(verdict="sung", reason=""), ConsoleRole.ADMIN) is None
