"""Which failures mean that an address does not work, and when it is suspended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.bounces import (
    DIAGNOSTIC_CHARACTERS,
    HARD_BOUNCES,
    Failure,
    classify,
    one_line,
    presumed_status,
    smtp_code_of,
    status_of,
    suspends_address,
)

SOME_STATUS = st.from_regex(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True)


@pytest.mark.parametrize(
    "status", ["5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4", "5.4.310"]
)
def test_an_address_that_does_not_work_is_hard(status: str) -> None:
    assert classify(status, "failed", smtp_code=None) is Failure.HARD


@pytest.mark.parametrize(
    "status",
    ["5.1.7", "5.1.8", "5.2.0", "5.2.2", "5.2.3", "5.3.4", "5.4.6", "5.4.7", "5.6.1", "5.7.1"],
)
def test_a_permanent_failure_of_another_kind_is_soft(status: str) -> None:
    assert classify(status, "failed", 550) is Failure.SOFT


@pytest.mark.parametrize("status", ["4.4.7", "4.2.2", "4.1.1"])
def test_a_temporary_failure_is_soft_even_if_given_up(status: str) -> None:
    assert classify(status, "failed", 550) is Failure.SOFT


@pytest.mark.parametrize("status", ["", "2.0.0", "5.0.0", "5.4.1", "5.5.0"])
@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (550, Failure.HARD),
        (553, Failure.HARD),
        (556, Failure.HARD),
        (552, Failure.SOFT),
        (554, Failure.SOFT),
        (451, Failure.SOFT),
        (None, Failure.SOFT),
    ],
)
def test_for_an_uninformative_status_the_reply_code_decides(
    status: str, code: int | None, failure: Failure
) -> None:
    assert classify(status, "failed", code) is failure


@given(SOME_STATUS, st.none() | st.integers(400, 599))
def test_a_delay_is_never_a_failure(status: str, code: int | None) -> None:
    assert classify(status, "Delayed", code) is Failure.DELAYED


@given(SOME_STATUS, st.text(max_size=20), st.none() | st.integers(200, 599))
def test_a_policy_or_a_full_mailbox_is_never_hard(
    status: str, action: str, code: int | None
) -> None:
    if status.startswith(("4.", "5.2.2", "5.3.", "5.6.", "5.7.")):
        assert classify(status, action, code) is not Failure.HARD


def test_the_second_hard_bounce_suspends() -> None:
    assert [suspends_address(earlier, Failure.HARD) for earlier in range(3)] == [False, True, False]
    assert HARD_BOUNCES == 2


@given(st.integers(0, 1_000), st.sampled_from([Failure.SOFT, Failure.DELAYED]))
def test_nothing_but_a_hard_bounce_suspends(earlier: int, failure: Failure) -> None:
    assert not suspends_address(earlier, failure)


@pytest.mark.parametrize(
    ("stated", "diagnostic", "status"),
    [
        ("5.1.1 (no such user)", "", "5.1.1"),
        ("5.1.1", "550 5.7.1 no", "5.1.1"),
        ("5.0.0", "550 5.1.1 no", "5.1.1"),
        ("5.0.0", "550 no", "5.0.0"),
        ("5.0.0", "421 4.7.0 later", "5.0.0"),
        ("", "no mailbox here (#5.1.1)", "5.1.1"),
        ("", "550-5.7.26 not authenticated", "5.7.26"),
        ("", "host mx[5.1.1.7] in Exim 4.9.1.2 said: 550 no", ""),
        ("5.0.0", "550 5.1.1.exe is forbidden", "5.0.0"),
        ("", "", ""),
        ("none", "", ""),
    ],
)
def test_the_most_specific_status_is_chosen(stated: str, diagnostic: str, status: str) -> None:
    assert status_of(stated, diagnostic) == status


@pytest.mark.parametrize(
    ("diagnostic", "code"),
    [
        ("550 no", 550),
        ("host mx [192.0.2.55]: 451 later", 451),
        ("Remote host said: 554 no", 554),
        ("sent on port 587 after 500 tries", None),
        ("SIZE=1543", None),
        ("", None),
    ],
)
def test_the_reply_code_is_found_at_the_beginning_of_a_reply(
    diagnostic: str, code: int | None
) -> None:
    assert smtp_code_of(diagnostic) == code


@pytest.mark.parametrize(
    ("diagnostic", "presumed"),
    [
        ("550 User unknown", "5.1.1"),
        ("553 this user doesn't have an account", "5.1.1"),
        ("account has been disabled", "5.2.1"),
        ("Domain name not found", "5.4.4"),
        ("552 mailbox full", "5.2.2"),
        ("452 mailbox full", "4.2.2"),
        ("550 message too large", "5.3.4"),
        ("550 blocked as spam: user unknown to our blacklist", "5.7.1"),
        ("550 no such user (in reply to MAIL FROM command)", "5.7.0"),
        ("550 This message was detected as possible malware (Eicar)", "5.7.1"),
        ("550 Attachment 'user unknown.exe' refused", "5.7.1"),
        ("550 Administrative prohibition", "5.7.1"),
        ("550 no", ""),
    ],
)
def test_without_a_status_the_text_decides(diagnostic: str, presumed: str) -> None:
    assert presumed_status("", diagnostic) == presumed


@pytest.mark.parametrize("status", ["", "5.0.0", "5.4.1", "5.5.0"])
def test_a_mail_that_is_refused_itself_does_not_blame_its_address(status: str) -> None:
    presumed = presumed_status(status, "550 no such user", of_content=True)

    assert classify(presumed, "failed", 550) is Failure.SOFT


def test_a_status_blames_the_address_after_the_mail_as_well() -> None:
    assert presumed_status("5.1.1", "550 5.1.1 no", of_content=True) == "5.1.1"


def test_the_text_never_overrides_a_specific_status() -> None:
    assert presumed_status("5.7.1", "550 5.7.1 user unknown") == "5.7.1"
    assert presumed_status("5.0.0", "550 5.0.0 user unknown") == "5.1.1"


@given(st.text(max_size=1_000))
def test_a_diagnostic_is_one_short_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= DIAGNOSTIC_CHARACTERS
    assert line == line.strip()
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in line)
    assert line.encode().decode() == line


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_can_be_read(stated: str, diagnostic: str) -> None:
    status = presumed_status(status_of(stated, diagnostic), diagnostic)
    assert classify(status, stated, smtp_code_of(diagnostic)) in Failure
