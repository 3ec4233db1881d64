"""A mail whose body is unread is filed like a small one, unless it is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.reasons import Verdict
from rules.mail import BodyNeeded, Delivery, Unread
from storage.db import raw_mail
from storage.mail.apply import Entry
from storage.mail.filing import file
from storage.mail.largeness import LARGE_BYTES, LARGE_RAW_BYTES, is_large
from tests.rules.building import a_mail, default_policy
from tests.storage.shop import Shop

LARGE = b"a" * (LARGE_BYTES + 1)


@pytest.fixture
def lenient(shop: Shop) -> Shop:
    """Mail of strangers is held, whatever its body is."""
    return replace(shop, policy=default_policy().model_copy(update={"strangers": "hold"}))


def an_entry(shop: Shop, *, unread: bool = True, kept: bool = False, header: int = 100) -> Entry:
    """A large mail of a stranger."""
    mail = a_mail("eve@evil.example")
    mail = replace(mail, header=replace(mail.header, body_at=header))
    entry = shop.entry(replace(mail, body=Unread()) if unread else mail)
    delivery = Delivery(entry.delivery.envelope, LARGE)
    return replace(entry, delivery=delivery, compressed=raw_mail.compress(LARGE) if kept else b"")


def test_an_unread_mail_is_large_if_it_is_kept(shop: Shop) -> None:
    assert not an_entry(shop).is_large
    assert an_entry(shop, kept=True).is_large
    assert an_entry(shop, header=LARGE_BYTES + 1).is_large


def test_a_mail_that_was_read_is_large_if_its_text_is_and_not_for_a_file_of_some_size(
    shop: Shop,
) -> None:
    assert not an_entry(shop, unread=False, kept=True).is_large
    long = a_mail("eve@evil.example", text="a" * (LARGE_BYTES + 1))
    assert is_large(long, LARGE_BYTES + 1000, is_kept=True)
    assert is_large(a_mail("eve@evil.example"), LARGE_RAW_BYTES + 1, is_kept=True)


def test_an_unread_mail_that_is_kept_after_all_is_not_filed_as_it_is(lenient: Shop) -> None:
    unexpected, expected = an_entry(lenient), an_entry(lenient, kept=True)
    with pytest.raises(BodyNeeded):
        lenient.write(lambda c: file(c, [unexpected]))
    (receipt,) = lenient.write(lambda c: file(c, [expected]))
    assert receipt.verdict is Verdict.HELD
