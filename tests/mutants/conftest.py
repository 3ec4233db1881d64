"""The fixtures of the storage tests."""

from __future__ import annotations

from tests.storage.conftest import ledger, mailbox, shop

__all__ = ["ledger", "mailbox", "shop"]
