"""The addresses that take mail."""

from __future__ import annotations

import pytest

from rules.mail import Mailbox
from storage.db.ledger import Ledger
from storage.registry import mailboxes
from storage.registry.errors import InvalidValue, NotFound


def test_a_mailbox_leaves_room_for_the_token(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(InvalidValue, match="at most 27 characters"):
        ledger.submit(
            lambda c: mailboxes.add_mailbox(c, f"{'s' * 28}@help.example", "default")
        ).result()


def test_the_address_of_a_person_is_no_mailbox(ledger: Ledger, mailbox: Mailbox) -> None:
    with pytest.raises(InvalidValue, match="registered as a person"):
        ledger.submit(lambda c: mailboxes.add_mailbox(c, "Ann@acme.example", "default")).result()


def test_with_two_mailboxes_one_must_be_named(ledger: Ledger, mailbox: Mailbox) -> None:
    ledger.submit(lambda c: mailboxes.add_mailbox(c, "b@help.example", "default")).result()

    with pytest.raises(NotFound, match="b@help.example, support@help.example"):
        ledger.submit(lambda c: mailboxes.mailbox_named(c, None)).result()
