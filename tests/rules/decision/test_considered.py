"""Which parts of a mail count in its mailbox, before anything is looked up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from rules.decision.considered import Considered, Received, consider
from rules.mail import Envelope
from rules.mail.bounces import Bounce
from rules.mail.header import Author
from rules.policy import Policy
from rules.sender.authentication import Authentication, Result, SignedScope
from rules.sender.pointers import PointerKind
from rules.sender.tokens import Purpose, return_path
from tests.rules.building import (
    ANN,
    KEYS,
    MAILBOX,
    NOON,
    NOTHING,
    PROVEN,
    SUPPORT,
    a_mail,
    default_policy,
    our_id,
    policy_with,
    token_to,
)

NOTICE = UUID(int=9)
BY_SPF = Authentication(True, "spf:acme.example", Result.PASS, "none", False)


def unread() -> tuple[Bounce, ...]:
    raise AssertionError("no report of this mail is believed")


def received(to: str = SUPPORT, proof: Authentication = PROVEN) -> Received:
    return Received(
        mail=a_mail(references=(our_id(),)),
        envelope=Envelope("192.0.2.1", "client.example", False, ANN.address, (to,)),
        mailbox=MAILBOX,
        authentication=proof,
        first_authentication=proof,
        read_bounces=unread,
        came_at=NOON,
    )


def considered(mail: Received, policy: Policy | None = None) -> Considered:
    return consider(
        mail,
        keys=KEYS,
        own_addresses=frozenset({SUPPORT}),
        policy=policy or default_policy(),
    )


def test_pointers_come_from_the_recipients_and_the_header() -> None:
    kinds = [pointer.kind for pointer in considered(received(token_to(70))).pointers]

    assert kinds[:2] == [PointerKind.REPLY_TOKEN, PointerKind.OUR_MESSAGE_ID]


def test_a_mail_that_is_delivered_once_for_each_recipient_has_the_same_pointers_each_time() -> None:
    """Else an answer that also went to the note address would be published by one of them."""
    reply, note = token_to(70), token_to(70, purpose=Purpose.NOTE)
    for to in (reply, note):
        delivered = received(to)
        mail = replace(delivered.mail, to=(reply,), cc=(note,))
        tokens = {p.token for p in considered(replace(delivered, mail=mail)).pointers if p.token}
        assert {token.purpose for token in tokens} == {Purpose.REPLY, Purpose.NOTE}


def test_a_mail_that_staff_release_as_new_has_no_pointers() -> None:
    assert considered(replace(received(token_to(70)), as_new=True)).pointers == ()


def test_no_release_files_a_mail_by_a_reply_address_that_its_author_did_not_write() -> None:
    """Whoever had the mail has sent it there. Who releases it sees its author, not its way."""
    scope = SignedScope("f" * 64, ("from", "to", "references"))
    signed = replace(PROVEN, by="dkim:acme.example", signed_scope=scope)
    caught = received(token_to(70), signed)

    released = replace(caught, authentication=Authentication.by_staff("sam"))

    assert [p.kind for p in considered(released).pointers if p.token is not None] == []
    assert considered(released).pointers == considered(caught).pointers


def test_reports_are_read_only_at_a_return_path_of_ours() -> None:
    came_back = return_path(KEYS, MAILBOX.id, SUPPORT, NOTICE)
    report = replace(received(came_back), read_bounces=lambda: ())

    assert considered(received()).returned is None  # and `unread` was not called
    assert considered(report).returned == NOTICE


def test_the_policy_decides_what_counts_and_the_measurement_is_kept() -> None:
    seen = considered(received(proof=BY_SPF), policy_with("proof", dkim_required=True))

    assert not seen.authentication.aligned
    assert seen.measured == BY_SPF


def test_what_a_program_writes_without_a_date_is_another_mail_an_hour_later() -> None:
    """Its bytes are the same whenever the same happens; a retry comes sooner."""
    alarm = received()
    first = considered(alarm)
    retried = considered(replace(alarm, came_at=NOON + timedelta(minutes=50)))
    again = considered(replace(alarm, came_at=NOON + timedelta(hours=1)))

    assert retried.identities == first.identities
    assert not set(again.identities) & set(first.identities)
    assert again.deferred_as == first.deferred_as


@pytest.mark.parametrize("days", [-9000, -31, 31])
def test_nor_does_the_date_of_a_clock_that_was_never_set_make_it_a_repeat(days: int) -> None:
    alarm = received()
    mail = replace(alarm.mail, date=NOON + timedelta(days=days), message_id="")
    first = considered(replace(alarm, mail=mail))
    again = considered(replace(alarm, mail=mail, came_at=NOON + timedelta(hours=1)))

    assert not set(again.identities) & set(first.identities)


def test_and_so_it_is_where_it_repeats_its_message_id() -> None:
    alarm = received()
    alarm = replace(alarm, mail=replace(alarm.mail, body_digest="d"))
    again = considered(replace(alarm, came_at=NOON + timedelta(hours=1)))

    assert considered(alarm).content != again.content


@pytest.mark.parametrize("message_id", ["", "<1@client.example>"])
def test_a_mail_with_a_date_is_one_mail_for_ever(message_id: str) -> None:
    dated = received()
    mail = replace(dated.mail, date=NOON, body_digest="d", message_id=message_id)
    dated = replace(dated, mail=mail)
    first, late = considered(dated), considered(replace(dated, came_at=NOON + timedelta(days=9)))

    assert (late.identities, late.content) == (first.identities, first.content)


def test_a_released_mail_keeps_its_identity() -> None:
    """Its identity depends on how it came, not on who vouches for it or who wrote it."""
    came = considered(received(proof=NOTHING))
    staff = replace(
        received(proof=NOTHING),
        authentication=Authentication.by_staff("root"),
        stated_author=Author("bob@acme.example"),
    )
    released = considered(staff)

    assert released.mail.identity == came.mail.identity
    assert released.mail.author == Author("bob@acme.example")
    assert released.authentication.aligned
