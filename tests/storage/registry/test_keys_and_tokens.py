"""Signing keys, and bearer tokens of the API."""

from __future__ import annotations

from rules.mail import Mailbox
from storage.db.database import Database
from storage.db.ledger import Ledger
from storage.registry import api_tokens, signing_keys
from storage.registry.api_tokens import ApiToken
from tests.rules.building import NOON


def test_the_newest_key_signs_and_the_older_ones_still_verify(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    ledger.submit(lambda c: signing_keys.add_key(c, b"n" * 32, NOON)).result()

    keys = database.read(signing_keys.load_keys)

    assert keys.current == 2
    assert set(keys.secrets) == {1, 2}


def test_an_api_token_is_known_by_its_text_and_stored_without_it(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    ledger.submit(lambda c: api_tokens.add_api_token(c, "text", "mta", "mails", NOON)).result()

    assert database.read(lambda c: api_tokens.find_api_token(c, "text")) == ApiToken("mta", "mails")
    assert database.read(lambda c: api_tokens.find_api_token(c, "other")) is None
