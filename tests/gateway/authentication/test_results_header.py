"""Authentication-Results as the providers write them, and what a sender could slip into one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authentication.results_header import stated_by_relay, statement_in
from gateway.authentication.signatures import RawMessage, read_message
from gateway.authentication.stated_results import MAX_FIELD_BYTES, NO_NAME, is_named, read_results

ACME = "acme.example"

EXCHANGE_ONLINE = (
    "spf=pass (sender IP is 192.0.2.7)\r\n smtp.mailfrom=acme.example; dkim=pass (signature was"
    " verified)\r\n header.d=acme.example;dmarc=pass action=none\r\n"
    " header.from=acme.example;compauth=pass reason=100\r\n"
)
MICROSOFT_SEALED = (
    " mx.microsoft.com 1; spf=pass\r\n smtp.mailfrom=acme.example; dmarc=pass action=none"
    " header.from=acme.example;\r\n dkim=pass header.d=acme.example; arc=none\r\n"
)
AMAZON_SES = (
    "amazonses.com;\r\n spf=pass (spfCheck: domain of acme.example designates 192.0.2.7 as"
    " permitted sender)\r\n client-ip=192.0.2.7; envelope-from=prvs=144d0cba42=ann@acme.example;"
    " helo=mx.acme.example;\r\n dkim=pass header.i=@acme.example;\r\n"
    " dmarc=pass header.from=acme.example;\r\n"
)
YAHOO = (
    "atlas206.free.mail.ne1.yahoo.com;\r\n dkim=pass header.i=@acme.example header.s=s1;\r\n"
    " spf=pass smtp.mailfrom=acme.example;\r\n dmarc=pass(p=REJECT) header.from=acme.example;\r\n"
)
YAHOO_UNTIL_2021 = (
    "atlas122.free.mail.gq1.yahoo.com; dkim=dkim_pass header.i=@acme.example header.s=@s1;"
    " spf=pass smtp.mailfrom=acme.example; dmarc=success(p=REJECT) header.from=acme.example;"
)
ZOHO = (
    "mx.zohomail.com;\r\n\tdkim=pass;\r\n\tspf=pass (zohomail.com: domain of ann@acme.example"
    " designates 192.0.2.7 as permitted sender)  smtp.mailfrom=ann@acme.example;\r\n"
    "\tdmarc=pass(p=reject dis=none)  header.from=acme.example\r\n"
)
ZOHO_SEALED = (
    " mx.zohomail.com;\r\n\tdkim=pass  header.i=acme.example;\r\n"
    "\tspf=pass  smtp.mailfrom=ann@acme.example;\r\n"
    "\tdmarc=pass header.from=<ann@acme.example>\r\n"
)
GOOGLE = (
    "mx.google.com;\r\n       dkim=pass header.i=@acme.example header.s=s1 header.b=Ab1/x+==;\r\n"
    "       arc=pass (i=1 spf=pass spfdomain=acme.example dkim=pass dmarc=pass fromdomain=a);\r\n"
    "       spf=pass (google.com: domain of ann@acme.example designates 192.0.2.7 as permitted"
    " sender)\r\n smtp.mailfrom=ann@acme.example;\r\n"
    "       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=acme.example\r\n"
)
POLICY_OUTSIDE_A_COMMENT = "mx.example; dmarc=pass p=reject dis=none header.from=acme.example"


@pytest.mark.parametrize(
    ("value", "name", "direct"),
    [
        (EXCHANGE_ONLINE, NO_NAME, True),
        (MICROSOFT_SEALED, "mx.microsoft.com", True),
        (AMAZON_SES, "amazonses.com", True),
        (YAHOO, "*.yahoo.com", True),
        (YAHOO_UNTIL_2021, "*.mail.gq1.yahoo.com", True),
        (ZOHO, "mx.zohomail.com", True),
        (ZOHO_SEALED, "mx.zohomail.com", True),
        (GOOGLE, "MX.Google.com", True),
        (POLICY_OUTSIDE_A_COMMENT, "mx.example", False),
        ("mx.example 1; dmarc = pass header.from = acme.example", "mx.example", False),
        ('"mx.example"; dmarc/1=pass header.from="acme.example"', "mx.example", False),
    ],
)
def test_a_pass_is_read_in_the_spelling_of_each_provider(
    value: str, name: str, direct: bool
) -> None:
    message = read_message(f"Authentication-Results: {value.strip()}\r\nFrom: a@b\r\n\r\n".encode())
    assert isinstance(message, RawMessage)
    stated = stated_by_relay(message, name, ACME)
    assert stated is not None
    assert (stated.proof.method, stated.proof.domain) == ("dmarc", ACME)
    assert stated.direct is direct
    assert stated_by_relay(message, name, "evil.example") is None


@pytest.mark.parametrize(
    "value",
    [
        EXCHANGE_ONLINE.replace("dmarc=pass", "dmarc=fail"),
        EXCHANGE_ONLINE.replace("header.from=acme.example", "header.from=evil.example"),
        AMAZON_SES.replace("dmarc=pass", "dmarc=fail"),
        YAHOO.replace("dmarc=pass(p=REJECT)", "dmarc=fail(p=REJECT)"),
        ZOHO.replace("header.from=acme.example", "header.from=<ann@acme.example@evil.example>"),
        ZOHO_SEALED.replace("<ann@acme.example>", "<ann@evil.example> header.from=acme.example"),
        "mx.example; dmarc=pass (header.from=acme.example)",
        "mx.example; dmarc=pass reason=header.from header.from=evil.example",
        'mx.example; dmarc=fail reason="; dmarc=pass header.from=acme.example"',
        "mx.example; x-dmarc=pass header.from=acme.example",
        "mx.example; y; z dmarc=pass header.from=acme.example",
    ],
)
def test_anything_else_is_no_pass(value: str) -> None:
    assert statement_in(value.encode(), None, ACME) is None


@pytest.mark.parametrize(
    "local",
    [
        "a) smtp.mailfrom=x; dmarc=pass header.from=acme.example; y=(",
        'a"; dmarc=pass header.from=acme.example; y="',
        "a\\; dmarc=pass header.from=acme.example",
        "a(((",
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "mx.example; spf=pass (domain of {0} designates) smtp.mailfrom={0}",
        "mx.example; spf=pass smtp.mailfrom={0}; dmarc=fail header.from=acme.example",
        "amazonses.com; spf=pass (ok) envelope-from={0}; dmarc=none header.from=acme.example",
    ],
)
def test_a_quoted_local_part_in_a_relay_s_field_forges_no_result(local: str, form: str) -> None:
    """The relay writes the envelope sender, which the sender chose, into its own field."""
    quoted = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"@evil.example'
    assert statement_in(form.format(quoted).encode(), None, ACME) is None


@pytest.mark.parametrize(
    ("rest", "counts"),
    [
        ("dkim=pass header.d=eve.github.io; spf=pass smtp.mailfrom=eve.github.io", False),
        ("dkim=fail header.d=acme.github.io; spf=pass smtp.mailfrom=eve.github.io", False),
        ("dkim=pass header.d=eve.github.io; spf=fail smtp.mailfrom=acme.github.io", False),
        ("dkim=pass header.d=acme.github.io; spf=pass smtp.mailfrom=eve.github.io", True),
        ("dkim=pass header.d=x.acme.github.io; spf=fail smtp.mailfrom=eve.github.io", True),
        ("dkim=pass; spf=pass smtp.mailfrom=eve.github.io", True),
        ("spf=pass smtp.mailfrom=eve.github.io", True),
        ("dkim=none; spf=pass smtp.helo=eve.github.io", False),
        ("dkim=none; spf=pass smtp.mailfrom=<> smtp.helo=acme.github.io", True),
        ("dkim=none; spf=pass smtp.mailfrom=eve.github.io smtp.helo=acme.github.io", False),
    ],
)
def test_a_pass_by_a_neighbour_under_a_shared_domain_is_not_the_author_s(
    rest: str, counts: bool
) -> None:
    """A verifier that knows no suffix list takes all below a shared domain for one organisation.
    What it does not state here it may state in a field of its own."""
    value = f"m; {rest}; dmarc=pass header.from=acme.github.io".encode()
    assert (statement_in(value, "m", "acme.github.io") is not None) is counts


@pytest.mark.parametrize("result", ["none", "bestguesspass"])
def test_without_a_dmarc_policy_dkim_or_spf_of_exactly_the_domain_counts(result: str) -> None:
    rest = f"dmarc={result} action=none header.from=acme.example"
    assert statement_in(f"m; dkim=pass header.d=acme.example; {rest}".encode(), "m", ACME)
    assert statement_in(f"m; spf=pass smtp.mailfrom=acme.example; {rest}".encode(), "m", ACME)
    assert not statement_in(f"m; dkim=pass header.d=x.acme.example; {rest}".encode(), "m", ACME)
    assert not statement_in(f"m; dkim=fail header.d=acme.example; {rest}".encode(), "m", ACME)
    other = rest.replace("acme", "evil")
    assert not statement_in(f"m; dkim=pass header.d=acme.example; {other}".encode(), "m", ACME)


@pytest.mark.parametrize(
    ("authserv_id", "relay", "expected"),
    [
        ("mx.help.example", "mx.help.example", True),
        ("mx.help.example.evil.example", "mx.help.example", False),
        ("a.b.yahoo.com", "*.yahoo.com", True),
        ("yahoo.com", "*.yahoo.com", False),
        ("evilyahoo.com", "*.yahoo.com", False),
        ("x;.yahoo.com", "*.yahoo.com", False),
        ("", "", True),
        ("mx.example", "", False),
        ("", "mx.example", False),
    ],
)
def test_a_relay_is_known_by_its_name(authserv_id: str, relay: str, expected: bool) -> None:
    assert is_named(authserv_id, relay) is expected


@pytest.mark.parametrize(
    "value",
    ["mx; dmarc=pass (", "mx; dmarc=pass )", 'mx; a="', "mx; \\;", "mx; a=\xe9", "m;" * 3000],
)
def test_a_malformed_or_long_field_states_nothing(value: str) -> None:
    assert read_results(value.encode("latin-1")) is None


@given(st.text(alphabet='ab=;"\\()<>. \t\r\n@/', max_size=80))
def test_reading_never_raises(value: str) -> None:
    read_results(value.encode())


FORGING = (
    "x.example; dmarc=pass header.from=acme.example",
    "[192.0.2.9];dkim=pass header.d=acme.example;x=",
    "x (y); spf=pass smtp.mailfrom=acme.example",
    'x"(";dmarc=pass header.from=acme.example;x=")"',
)


@pytest.mark.parametrize("helo", FORGING)
@pytest.mark.parametrize("above", [True, False])
def test_a_greeting_that_a_relay_copies_as_it_is_forges_no_result(helo: str, above: bool) -> None:
    """The client of the relay chose it, and the relay writes it into both of its fields."""
    for name, counts in ((helo, False), ("x.example", True)):
        received = f"Received: from {name} (unknown [192.0.2.9] (TLS; 1.3))\r\n by mx.example; now"
        proof = "" if name == helo else "; dmarc=pass header.from=acme.example"
        results = f"Authentication-Results: mx.example; spf=none smtp.helo={name}{proof}"
        lines = (received, results) if above else (results, received)
        raw = "\r\n".join((*lines, "From: Ann <ann@acme.example>", "", "")).encode()
        message = read_message(raw)
        assert isinstance(message, RawMessage)
        assert (stated_by_relay(message, "mx.example", ACME) is not None) is counts


def test_a_greeting_with_a_space_adds_no_property_to_a_relay_s_result() -> None:
    """The name after it is below the sender's own domain, so that SPF passes for it."""
    for name, counts in (("x envelope-from=acme.example y.evil.example", False), ("x", True)):
        proof = "envelope-from=acme.example" if name == "x" else ""
        raw = (
            f"Received: from {name} (unknown [192.0.2.9]) by mx.example; now\r\n"
            f"Authentication-Results: mx.example; spf=pass smtp.helo={name} {proof}\r\n"
            "From: Ann <ann@acme.example>\r\n\r\n"
        )
        message = read_message(raw.encode())
        assert isinstance(message, RawMessage)
        assert (stated_by_relay(message, "mx.example", ACME) is not None) is counts


def test_received_fields_of_others_do_not_count_against_a_relay() -> None:
    """Below the relay's own a sender writes what they like, and harms nobody else's mail."""
    raw = (
        "Authentication-Results: mx.example; dmarc=pass header.from=acme.example\r\n"
        "Received: from x.example by mx.example; now\r\n"
        "Received: from a; b by c; now\r\n"
        "From: Ann <ann@acme.example>\r\n\r\n"
    )
    message = read_message(raw.encode())
    assert isinstance(message, RawMessage)
    assert stated_by_relay(message, "mx.example", ACME) is not None


def test_a_sealer_s_own_dmarc_result_voids_one_that_a_sender_smuggled_in() -> None:
    """Its envelope sender is not known here, so unlike a relay's it is not examined."""
    smuggled = b"spf=pass smtp.mailfrom=evil.test; dmarc=pass header.from=acme.example; x@evil.test"
    own = b"dmarc=fail (p=reject) header.from=acme.example"

    for value in (smuggled + b"; " + own, own + b"; " + smuggled):
        assert statement_in(b" lists.example; " + value, None, "acme.example") is None


@pytest.mark.parametrize("piece", ['\\"', '"a', '""', "a=", 'a="', "a/1", "(", "()", ";", ' "'])
def test_a_field_as_long_as_is_read_takes_no_time(piece: str) -> None:
    value = f'mx.example; dmarc=pass header.from="{piece * MAX_FIELD_BYTES}'[:MAX_FIELD_BYTES]
    began = time.process_time()
    read_results(value.encode())
    assert time.process_time() - began < 0.2
