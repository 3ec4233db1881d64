"""The verdict as a value: how it is built, shown and stored."""

from __future__ import annotations

import json
import re

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.sender.authentication import (
    Authentication,
    Evidence,
    Result,
    as_dict,
    domain_warnings,
    from_dict,
)

DKIM = Evidence("dkim", Result.PASS, "acme.example", aligned=True)
DMARC = Evidence("dmarc", Result.PASS, "acme.example", "policy reject", aligned=True)


def a_verdict(*evidence: Evidence) -> Authentication:
    return Authentication(
        aligned=True, by="dkim:acme.example", dmarc=Result.PASS, evidence=evidence
    )


def test_a_trusted_peer_proves_the_author() -> None:
    verdict = Authentication.by_peer("127.0.0.1")
    assert (verdict.aligned, verdict.by, verdict.temporary) == (True, "peer:127.0.0.1", False)


def test_a_relay_passes_its_dmarc_result_on() -> None:
    assert Authentication.by_relay("mx.example", DMARC).dmarc is Result.PASS
    assert Authentication.by_relay("mx.example", DKIM).dmarc is Result.NONE


def test_an_unchecked_mail_has_no_identity_but_a_reason() -> None:
    verdict = Authentication.unchecked("From has no valid domain")
    assert not verdict.aligned
    assert verdict.warnings == ("From has no valid domain",)


def test_the_results_field_has_one_line_for_each_result() -> None:
    assert a_verdict(DKIM, DMARC).to_results_header("mx.example") == (
        "Authentication-Results: mx.example;\r\n"
        " dkim=pass header.d=acme.example;\r\n"
        ' dmarc=pass reason="policy reject" header.from=acme.example'
    )


def test_the_helo_identity_is_shown_as_such() -> None:
    helo = Evidence("spf", Result.FAIL, "acme.example", identifier="smtp.helo")
    assert str(helo) == "spf=fail smtp.helo=acme.example"


@pytest.mark.parametrize(
    ("verdict", "comment"),
    [
        (Authentication.by_peer("::1"), "none (peer:::1)"),
        (Authentication.unchecked("x"), "none (nothing checked)"),
    ],
)
def test_without_results_the_field_contains_none(verdict: Authentication, comment: str) -> None:
    assert verdict.to_results_header("mx.example").endswith(comment)


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_field_is_valid_whatever_the_sender_wrote(domain: str, detail: str) -> None:
    verdict = a_verdict(Evidence("dkim", Result.FAIL, domain, detail), DMARC)
    written = verdict.to_results_header("mx.example")
    assert written.isascii()
    assert re.fullmatch(r"[ -~]+(\r\n [ -~]+)*", written)
    read = authres.AuthenticationResultsHeader.parse(written.replace("\r\n", ""))
    assert [each.method for each in read.results] == ["dkim", "dmarc"]


def test_the_verdict_is_restored_from_json() -> None:
    verdict = a_verdict(DKIM)

    assert from_dict(json.loads(json.dumps(as_dict(verdict)))) == verdict


@pytest.mark.parametrize(
    ("shown", "warned"),
    [
        ("acme.example", False),
        ("bücher.example", False),
        ("почта.example", False),
        ("c\N{CYRILLIC SMALL LETTER O}rp.example", True),
        ("\N{GREEK SMALL LETTER ALPHA}pple.example", True),
        ("日本のカメラ.example", False),
        ("日本tv.example", False),
    ],
)
def test_a_label_that_mixes_scripts_causes_a_warning(shown: str, warned: bool) -> None:
    assert bool(domain_warnings(shown.encode("idna").decode())) is warned


def test_a_label_that_is_invalid_punycode_causes_a_warning() -> None:
    assert domain_warnings("xn--\x80.example")
    assert domain_warnings("xn--99999999.example")


@given(st.text())
def test_the_warnings_never_raise(domain: str) -> None:
    domain_warnings("xn--" + domain)
