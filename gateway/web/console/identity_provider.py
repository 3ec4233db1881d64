"""What the console expects of an identity provider. `openid.py` has the one that there is; it is
imported only where one is configured."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rules.service.console_identities import Demands

CALLBACK_PATH = "/openid/callback"
"""Where the provider sends browsers, below the path of the console."""


class NoAnswer(Exception):
    """The provider does not answer, or not as OpenID Connect says; the text is for the log."""


class NotValid(Exception):
    """What the provider states does not hold; the text is for the log."""


@dataclass(frozen=True, slots=True)
class BegunLogin:
    """One login, from its beginning to the provider's answer, by a secret that only the browser
    keeps: nobody can have the store filled with logins that were begun."""

    secret: str

    @property
    def state(self) -> str:
        """Returns with the answer, so that it is taken from the browser that asked (CSRF)."""
        return self._derived(b"state")

    @property
    def nonce(self) -> str:
        """Is in the provider's statement, so that no other one can take its place."""
        return self._derived(b"nonce")

    @property
    def verifier(self) -> str:
        """Proves that the code was given to this browser's login (RFC 7636)."""
        return self._derived(b"code verifier")

    def _derived(self, use: bytes) -> str:
        return hmac.new(self.secret.encode(), b"postern openid " + use, hashlib.sha256).hexdigest()


class IdentityProvider(Protocol):
    @property
    def name(self) -> str:
        """As users know it."""

    @property
    def issuer(self) -> str: ...

    @property
    def is_required(self) -> bool:
        """Nobody logs in with a password."""

    @property
    def demands(self) -> Demands: ...

    async def login_url(self, begun_login: BegunLogin) -> str:
        """The page of the provider where the login goes on. Raises NoAnswer."""

    async def claims_of(
        self, code: str, begun_login: BegunLogin, now: datetime
    ) -> Mapping[str, object]:
        """What the provider states about who logged in there, proven. Raises NoAnswer, and NotValid
        where it proves nothing."""
