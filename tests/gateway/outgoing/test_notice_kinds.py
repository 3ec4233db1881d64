"""What a kind of notice may carry: a kind that nobody described is treated as a customer's."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from gateway.outgoing.compose import Composer
from gateway.outgoing.context import TemplateContext, template_context
from gateway.outgoing.quoted_comment import Redactor
from gateway.outgoing.templates import Templates
from rules.sender.masking import Masker
from rules.ticket.notices import KINDS, Audience, NoticeKind
from rules.ticket.payloads import ReceiptPayload
from rules.ticket.visibility import Visibility
from storage.notices.more import QUOTE_THE_LAST
from storage.notices.outbox import Notice
from tests.gateway.outgoing.notices import (
    COMPOSER,
    LINKS_BEGIN,
    a_comment,
    a_notice,
    about,
    html_of,
    read,
    text_of,
    written,
)
from tests.rules.building import KEYS, MAILBOX, default_policy

SECRET = "The root password is 1234."
PRIVATE = sorted(set(Visibility) - {Visibility.PUBLIC})
STAFF = {
    NoticeKind.NEW_TICKET,
    NoticeKind.NEW_COMMENT,
    NoticeKind.ALERT,
    NoticeKind.ASSIGNMENT,
    NoticeKind.SNOOZE_OVER,
    NoticeKind.MY_DIGEST,
    NoticeKind.SLA_WARNING,
    NoticeKind.SLA_BREACH,
    NoticeKind.DIGEST,
    NoticeKind.STAFF_MORE,
    NoticeKind.CONSOLE_LOGIN,
    NoticeKind.EMPTY_DESK,
}
SHOW_A_COMMENT = {
    NoticeKind.COMMENT,
    NoticeKind.STATUS,
    NoticeKind.NEW_TICKET,
    NoticeKind.NEW_COMMENT,
    NoticeKind.ESCALATION,
    NoticeKind.NEXT_STEPS,
    NoticeKind.RECEIPT,
    *QUOTE_THE_LAST,
}
"""The kinds whose templates show a comment where there is one."""


def a_forgotten_kind() -> NoticeKind:
    """A member of the enumeration that no table knows, as if somebody had added it just now."""
    kind = str.__new__(NoticeKind, "forgotten")
    kind._name_, kind._value_ = "FORGOTTEN", "forgotten"
    return kind


def carrying(kind: NoticeKind, visibility: Visibility) -> Notice:
    """A notice with a comment in it, whether or not notices of this kind are queued with one."""
    return a_notice(kind, comment=a_comment(SECRET, visibility=visibility))


def context_of(notice: Notice) -> TemplateContext:
    return template_context(
        notice, default_policy(), KEYS, LINKS_BEGIN, Redactor(Masker(KEYS, (MAILBOX.id,)))
    )


@pytest.mark.parametrize("visibility", PRIVATE)
def test_a_forgotten_kind_carries_no_private_comment(visibility: Visibility) -> None:
    with pytest.raises(ValueError, match="only staff may read"):
        context_of(carrying(a_forgotten_kind(), visibility))


def test_a_forgotten_kind_has_no_note_address_and_no_header_for_staff() -> None:
    context = context_of(carrying(a_forgotten_kind(), Visibility.PUBLIC))

    assert context.note_address == ""
    assert not context.for_staff


def test_a_forgotten_kind_is_sent_without_what_only_some_kinds_may_carry(tmp_path: Path) -> None:
    folder = tmp_path / "default" / "en"
    folder.mkdir(parents=True)
    for name in ("forgotten.txt.j2", "forgotten.html.j2"):
        (folder / name).write_text(f'{{% extends "_frame.{name[10:]}" %}}')

    composer = Composer(KEYS, LINKS_BEGIN, Templates(tmp_path))
    notice = carrying(a_forgotten_kind(), Visibility.PUBLIC)
    mail = read(composer.write(notice, default_policy()))

    assert mail["From"] == "Support <support@help.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in mail


@pytest.mark.parametrize(("kind", "visibility"), list(product(NoticeKind, Visibility)))
def test_a_comment_that_is_not_public_is_written_to_staff_alone(
    kind: NoticeKind, visibility: Visibility
) -> None:
    notice = carrying(kind, visibility)
    if visibility is not Visibility.PUBLIC and kind not in STAFF:
        with pytest.raises(ValueError, match="only staff may read"):
            COMPOSER.write(notice, default_policy())
        return

    mail = read(COMPOSER.write(notice, default_policy()))

    assert (SECRET in text_of(mail)) is (SECRET in html_of(mail)) is (kind in SHOW_A_COMMENT)


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_note_address_is_written_to_staff_alone(kind: NoticeKind) -> None:
    on_a_ticket = a_notice(kind, about=about())

    assert bool(context_of(on_a_ticket).note_address) is (kind in STAFF)


def test_the_table_calls_staff_exactly_those_kinds() -> None:
    assert {kind for kind in NoticeKind if KINDS[kind].audience is Audience.STAFF} == STAFF


def test_a_notice_with_another_kinds_payload_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="of kind status takes StatusPayload, not ReceiptPayload"):
        a_notice(NoticeKind.STATUS, payload=ReceiptPayload(text="Done."))


@pytest.mark.parametrize(
    ("language", "causes"),
    [
        ("en", ("nobody is registered", "is suppressed", "is itself a mailbox")),
        ("de", ("niemand registriert", "ist gesperrt", "selbst ein Postfach")),
    ],
)
def test_administrators_read_for_what_causes_mail_reaches_nobody_of_the_staff(
    language: str, causes: tuple[str, ...]
) -> None:
    mail = written(NoticeKind.EMPTY_DESK, language=language)

    for said in (text_of(mail), html_of(mail)):
        words = " ".join(said.split())
        assert [each for each in causes if each not in words] == []
        assert "suspended" not in words  # which companies are
