"""Who a user of the console is to an identity provider (OpenID Connect), from what it proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rules.mail.addresses import domain_of, normalise

LONGEST_SUBJECT = 255
"""OpenID Connect Core 1.0 §2."""


class LoginRefusal(StrEnum):
    """Why a login through the provider was refused: for the log. The page says less."""

    NOT_THIS_BROWSER = "not_this_browser"
    """The answer does not belong to a login that this browser has begun, or it is too old."""
    DECLINED = "declined"
    """The provider says that it was not done: somebody cancelled it, or may not use the client."""
    NO_ANSWER = "no_answer"
    """The provider does not answer as OpenID Connect says."""
    NOT_VALID = "not_valid"
    """Its statement does not hold: signature, issuer, audience, time or nonce."""
    NOT_VERIFIED = "not_verified"
    """The provider has not verified the account's address, or names none."""
    OTHER_DOMAIN = "other_domain"
    """The address is in no domain that the configuration lists."""
    WITHOUT_CLAIM = "without_claim"
    """The account lacks the claim that the configuration demands."""
    UNKNOWN = "unknown"
    """Nobody of this address is a user of the console."""
    ANOTHER_ACCOUNT = "another_account"
    """The user of this address logs in with another account of the provider."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What the configuration demands of an account, besides that its user was invited."""

    domains: tuple[str, ...] = ()
    """Its address is in one of these; empty for any domain."""
    claim: str = ""
    """A claim that it must have; empty for none."""
    claim_value: str = ""
    """The claim's value, or one of the values in its list."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the provider. Issuer and subject never change and are never given to anybody
    else (OpenID Connect Core 1.0 §5.7); its address may."""

    issuer: str
    subject: str
    address: str
    """Empty unless the provider has verified it."""


def account_of(claims: Mapping[str, object], demands: Demands) -> Account | LoginRefusal:
    """The account that proven claims describe, if it is what the configuration demands."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not (isinstance(issuer, str) and isinstance(subject, str) and subject):
        return LoginRefusal.NOT_VALID
    if len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        return LoginRefusal.NOT_VALID
    if demands.claim and not _has(claims.get(demands.claim), demands.claim_value):
        return LoginRefusal.WITHOUT_CLAIM
    address = verified_address(claims)
    if demands.domains:
        if not address:
            return LoginRefusal.NOT_VERIFIED
        if domain_of(address) not in demands.domains:
            return LoginRefusal.OTHER_DOMAIN
    return Account(issuer, subject, address)


def verified_address(claims: Mapping[str, object]) -> str:
    """The address that the provider has verified; empty where it says nothing of the kind, or not
    by the boolean that OpenID Connect Core 1.0 §5.1 demands."""
    typed = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(typed, str):
        return ""
    return normalise(typed) or ""


def _has(found: object, wanted: str) -> bool:
    return wanted in found if isinstance(found, list) else found == wanted
