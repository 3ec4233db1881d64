"""How `postern check` describes a decision: text to read, never a program's value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from gateway.describe_decision import describe
from rules.decision.model import Decision
from rules.facts import Earlier
from rules.people import ParticipantKind
from rules.ticket.lifecycle import Status
from tests.rules.building import (
    ANN,
    BOB,
    GIL,
    NOON,
    SAM,
    World,
    a_mail,
    a_ticket,
    default_policy,
    member,
    preset,
    token_to,
)

RESOLVED = a_ticket(
    7,
    member(70, ANN.address, ParticipantKind.REQUESTER),
    member(71, SAM.address, ParticipantKind.FOLLOWER),
    status=Status.RESOLVED,
    status_at=NOON,
)
SAMS = token_to(71)
FIRST = UUID(int=5)
COMMANDS = (
    "#7 is now closed; #7 is assigned to sam@help.example; gil@globex.example is now on #7; "
    "gil@globex.example is a user of another company, Globex; bob@acme.example is no longer on #7"
)
STRANGERS_REPLY = default_policy().texts.sign_up


def a_request() -> Decision:
    text = "Severity: Critical\nProject: demo-1"
    return World(policy=preset("aiven")).decide(a_mail(text=text, cc=(BOB.address,)))


def a_reply() -> Decision:
    return World(tickets=(RESOLVED,)).decide(a_mail(text="It is broken again?"), to=token_to(70))


def a_flagged_one() -> Decision:
    return World().decide(a_mail(BOB.address), to=token_to(70))


def with_commands() -> Decision:
    text = "#status closed\n#assign me\n#cc +gil@globex.example -bob@acme.example"
    with_bob = replace(
        RESOLVED,
        participants=(*RESOLVED.participants, member(72, BOB.address, ParticipantKind.USER)),
    )
    return World(tickets=(with_bob,)).decide(a_mail(SAM.address, text=text), to=SAMS)


def an_automatic_one() -> Decision:
    return World().decide(a_mail(auto_submitted="auto-replied"), to=token_to(70))


def one_that_leaves() -> Decision:
    return World().decide(a_mail(text="#unsubscribe"), to=token_to(70))


def one_of_another_company() -> Decision:
    return World().decide(a_mail(GIL.address), to=token_to(70))


def a_strangers() -> Decision:
    return World().decide(a_mail("eve@evil.example"))


def a_repeat() -> Decision:
    return World(earlier=Earlier(FIRST, "5 filed as #7", 7)).decide(a_mail())


@pytest.mark.parametrize(
    ("decided", "lines"),
    [
        (
            a_request,
            [
                ("would", "open a ticket for ann@acme.example: Printer"),
                ("severity", "High (claimed: Critical)"),
                ("tier", "basic"),
                ("due", "2026-03-03 12:00 UTC"),
                ("missing", "affected functionality, steps to reproduce"),
                ("fields", "project_id = demo-1"),
                ("joins", "bob@acme.example (user, active)"),
                ("mails", "acknowledgement to ann@acme.example"),
                ("mails", "new ticket to sam@help.example"),
                ("mails", "alert to sam@help.example"),
            ],
        ),
        (
            a_reply,
            [
                ("would", "write a public comment on #7"),
                ("status", "resolved → open"),
                ("mails", "new comment to sam@help.example"),
            ],
        ),
        (
            a_flagged_one,
            [
                ("would", "write a flagged comment, which staff can accept, on #7"),
                ("mails", "new comment to sam@help.example"),
            ],
        ),
        (
            with_commands,
            [
                ("would", "write a note for staff on #7"),
                ("changes", COMMANDS),
                ("mails", "status to ann@acme.example"),
                ("mails", "status to bob@acme.example"),
                ("mails", "status to gil@globex.example"),
                ("mails", "receipt to sam@help.example"),
            ],
        ),
        (an_automatic_one, [("would", "store it on #7, folded, and notify nobody")]),
        (
            one_that_leaves,
            [
                ("would", "send ann@acme.example no more mail about #7"),
                ("mails", "receipt to ann@acme.example"),
            ],
        ),
        (
            one_of_another_company,
            [("would", "hold it in quarantine"), ("mails", "kept to gil@globex.example")],
        ),
        (a_strangers, [("would", f"refuse it: {STRANGERS_REPLY}")]),
        (
            a_repeat,
            [
                ("would", f"answer as the first time, as {FIRST}: 5 filed as #7"),
            ],
        ),
    ],
)
def test_a_decision_is_described(
    decided: Callable[[], Decision], lines: list[tuple[str, str]]
) -> None:
    assert list(describe(decided())) == lines
