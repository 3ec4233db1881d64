"""JSON that is made to take long is refused before it is read."""

from __future__ import annotations

import json
import time

import pytest
from pydantic import ValidationError

from gateway.ticket_requests import TicketPatch
from gateway.web.api.auth import ApiError
from gateway.web.api.request_parsing import MAX_DEPTH, MAX_VALUES, _check_size
from rules.validation.messages import explain, suggestion

MANY_KEYS = b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}"


@pytest.mark.parametrize(
    "text",
    [
        MANY_KEYS,
        b'{"why":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"add":[' + b"1," * 400_000 + b"1]}",
        b"[" * (MAX_DEPTH + 1),
        b"[" + b"0," * (MAX_VALUES + 1),
        b'["' + b'\\"' * 10 + b'"' + b",1" * 2000,
        b'""' * 500_000,
        b"]" * 1_000_000,
        b'{"why":1}' + b"}" * 1_000_000,
    ],
    ids=[
        "many keys",
        "deep",
        "many items",
        "too deep",
        "too many",
        "after an escaped quote",
        "strings without commas",
        "brackets that close nothing",
        "braces that close nothing",
    ],
)
def test_a_structure_without_end_is_refused_at_once(text: bytes) -> None:
    started = time.process_time()
    with pytest.raises(ApiError) as refused:
        _check_size(text)
    assert refused.value.status == 413
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    "text",
    [
        b'{"comment":{"text":"' + b'a, [b], {c}: \\" ' * 50_000 + b'"}}',
        b'{"text":"' + b"\\\\" * 300_000 + b'"}',
        b'{"add":[' + b'"a@b.example",' * (MAX_VALUES - 1) + b'"c"]}',
        b"\\" * 500_000,
        b'"' + b'\\"' * 500_000,
        b'{"text":"' + b'a\\"' * 300_000,
        b"",
    ],
    ids=["long text", "backslashes", "long list", "no JSON", "escapes", "no end", "empty"],
)
def test_a_long_text_is_no_structure(text: bytes) -> None:
    started = time.process_time()
    _check_size(text)
    assert time.process_time() - started < 0.3


def test_as_many_values_as_are_allowed_are_allowed_as_deep_as_is_allowed() -> None:
    nested = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    _check_size(b"[" + b",".join([nested] * MAX_VALUES) + b"]")
    _check_size(b"{" + b",".join(b'"k%d":"v"' % n for n in range(MAX_VALUES)) + b"}")


def test_a_name_without_end_is_compared_with_no_other() -> None:
    started = time.process_time()
    assert suggestion("status" + "abcde" * 200_000, ["status", "severity"]) == ""
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    "value",
    ["//h:8" * 200_000, "//h:8" * 200_000 + "@", "?password=&" * 90_000, "@" * 1_000_000],
    ids=["addresses with ports", "before an @", "passwords", "nothing but @"],
)
def test_a_wrong_value_of_a_megabyte_is_named_at_once(value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TicketPatch.model_validate_json(json.dumps({"comment": {"text": value}}))
    started = time.process_time()
    for fault in refused.value.errors(include_url=False):
        assert len(explain(fault, TicketPatch)) < 500
    assert time.process_time() - started < 0.02


def test_of_a_key_without_end_the_beginning_is_named() -> None:
    with pytest.raises(ValidationError) as refused:
        TicketPatch.model_validate_json(json.dumps({"a" * 1_000_000: 1}))
    (fault,) = refused.value.errors(include_url=False)
    assert len(explain(fault, TicketPatch)) < 1000
