"""Mail without a single author is kept only where something stands behind it."""

from __future__ import annotations

from tests.acceptance.attacks.attack import HELD, UNKNOWN
from tests.acceptance.internet import ANN, EVE, Target, a_mail, signed_by, with_from

TWO_ADDRESSES = f"From: {ANN}, {EVE}"
TWO_FIELDS = f"From: {ANN}\r\nFrom: {EVE}"


def test_a_companys_signature_over_every_from_field_keeps_it(target: Target) -> None:
    code, text = target.send(signed_by("acme.example", with_from(TWO_ADDRESSES)))

    assert f"{code} {text}".startswith(HELD)
    entry = target.journal()[-1]
    assert (entry.verdict, entry.reason) == ("held", "from_ambiguous")
    assert entry.authentication["vouched_by"] == "dkim:acme.example"
    assert not entry.authentication["aligned"]
    assert not entry.author
    (explained,) = (
        line
        for line in target.postern.run("explain", str(entry.id)).stdout.splitlines()
        if "proof" in line
    )
    assert "behind it: dkim:acme.example" in explained


def test_two_fields_are_kept_if_both_are_signed(target: Target) -> None:
    signs = ("from", "from", "to", "subject", "date", "message-id")

    target.send(signed_by("umbrella.example", with_from(TWO_FIELDS), signs=signs))

    entry = target.journal()[-1]
    assert (entry.verdict, entry.reason) == ("held", "from_ambiguous")
    assert entry.authentication["vouched_by"] == "dkim:umbrella.example"


def test_a_signature_that_leaves_a_from_field_out_does_not(target: Target) -> None:
    target.send(signed_by("acme.example", with_from(TWO_FIELDS)))

    assert target.journal()[-1].reason == "from_ambiguous_refused"


def test_a_strangers_own_signature_does_not_and_is_not_looked_up(target: Target) -> None:
    target.dns.queries.clear()

    target.send(signed_by("evil.example", with_from(TWO_ADDRESSES), selector="fresh"))

    assert target.journal()[-1].reason == "from_ambiguous_refused"
    assert not [query for query in target.dns.queries if "evil.example" in str(query)]


def test_a_broken_signature_of_a_company_does_not(target: Target) -> None:
    raw = signed_by("acme.example", with_from(TWO_ADDRESSES))

    target.send(raw.replace(b"Help!", b"Help?"))

    assert target.journal()[-1].reason == "from_ambiguous_refused"


def test_it_is_refused_exactly_as_the_mail_of_a_stranger(target: Target) -> None:
    stranger = target.send(a_mail("x@nobody.example"))

    assert target.send(with_from(TWO_FIELDS)) == stranger
    assert target.send(signed_by("acme.example", with_from(TWO_FIELDS))) == stranger
    assert f"{stranger[0]} {stranger[1]}".startswith(UNKNOWN)


def test_a_trusted_relay_hands_it_over_and_it_is_held(relayed: Target) -> None:
    """A refusal would make the relay send a bounce to whatever address a stranger wrote."""
    relayed.send(with_from(TWO_FIELDS))

    entry = relayed.journal()[-1]
    assert (entry.verdict, entry.reason) == ("held", "from_ambiguous")
    assert entry.authentication["vouched_by"].startswith("relay:")


def test_where_strangers_are_held_it_is_held_like_theirs(holding: Target) -> None:
    holding.send(with_from(TWO_FIELDS))

    entry = holding.journal()[-1]
    assert (entry.verdict, entry.reason) == ("held", "from_ambiguous")


def test_a_company_with_a_silent_name_is_answered_like_a_stranger(target: Target) -> None:
    """The sender of the mail chooses that name; see `test_chosen_names.py`."""
    stranger = target.send(a_mail("x@nobody.example"))

    assert target.send(signed_by("silent.example", with_from(TWO_ADDRESSES))) == stranger
    assert target.journal()[-1].reason == "from_ambiguous_refused"
