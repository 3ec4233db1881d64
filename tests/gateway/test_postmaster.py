"""RFC 5321 §4.5.1: the postmaster of a domain that takes mail has a mailbox."""

from __future__ import annotations

import pytest

from gateway.mailbox_cache import Snapshot
from rules.mail import Mailbox, with_postmasters
from rules.sender.tokens import Keys

MAILBOXES = {
    mailbox.address: mailbox
    for mailbox in with_postmasters(
        [
            Mailbox(number, address, "default")
            for number, address in (
                (3, "sales@help.example"),
                (1, "support@help.example"),
                (2, "desk@other.example"),
                (4, "postmaster@own.example"),
                (5, "a@own.example"),
                (6, "xpostmaster@help.example"),
            )
        ]
    )
}


@pytest.mark.parametrize(
    ("recipient", "mailbox"),
    [
        ("postmaster@help.example", "support@help.example"),
        ("PostMaster@HELP.example", "support@help.example"),
        ("postmaster+x@help.example", "support@help.example"),
        ("postmaster@other.example", "desk@other.example"),
        ("postmaster@own.example", "postmaster@own.example"),
        ("Postmaster", "support@help.example"),
        ("postmaster@elsewhere.example", None),
        ("postmaster@sub.help.example", None),
        ("xpostmaster@other.example", None),
    ],
)
def test_the_postmaster_is_the_oldest_mailbox(recipient: str, mailbox: str | None) -> None:
    snapshot = Snapshot(MAILBOXES, Keys(1, {1: b"k" * 32}))
    found = snapshot.mailbox_for(recipient)
    assert (found.address if found else None) == mailbox


def test_mail_to_the_postmaster_is_addressed_to_that_mailbox_only() -> None:
    named = {address: mailbox.names for address, mailbox in MAILBOXES.items()}

    assert named["support@help.example"] == {"support@help.example", "postmaster@help.example"}
    assert named["sales@help.example"] == {"sales@help.example"}
    assert named["postmaster@own.example"] == {"postmaster@own.example"}
    assert named["a@own.example"] == {"a@own.example"}


def test_where_nothing_is_served_there_is_no_postmaster() -> None:
    assert Snapshot({}, Keys(1, {1: b"k" * 32})).mailbox_for("postmaster") is None
