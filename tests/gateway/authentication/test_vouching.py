"""Whose signature keeps a mail without a single author: a company's, not that of a neighbour."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from rules.mail import Delivery, Envelope
from tests.gateway.senders import ELSEWHERE, a_mail, a_world, rsa_key, signed

COMPANIES = frozenset({"github.io", "acme.example"})
"""The first shares its domain: the public suffix list says so."""


@pytest.mark.parametrize(
    ("signer", "vouched_by"),
    [
        ("eve.github.io", ""),
        ("github.io", "dkim:github.io"),
        ("acme.example", "dkim:acme.example"),
        ("eve.acme.example", ""),
    ],
)
async def test_who_has_a_name_below_a_company_s_domain_does_not_vouch_for_it(
    signer: str, vouched_by: str
) -> None:
    """Else a stranger's reply, and the look-up at their own name servers, would show that it is a
    customer: no list knows all those who give names to others."""
    asked: set[str] = set()

    async def registered_among(domains: Collection[str]) -> Collection[str]:
        asked.update(domains)
        return COMPANIES & set(domains)

    raw = signed(a_mail("a@x.example>, <b@y.example"), signer)
    envelope = Envelope(ELSEWHERE, "client.example", True, "a@x.example", ("support@help.example",))
    async with a_world() as world:
        world.publish(f"s1._domainkey.{signer}", rsa_key().record)

        verdict = await world.authenticator.vouch(Delivery(envelope, raw), registered_among)

        assert verdict.vouched_by == vouched_by
        assert asked == {signer}
        assert bool(world.server.queries) is bool(vouched_by)
