"""The shop of the storage tests, here too."""

from __future__ import annotations

from tests.storage.conftest import ledger, mailbox, shop

__all__ = ["ledger", "mailbox", "shop"]
