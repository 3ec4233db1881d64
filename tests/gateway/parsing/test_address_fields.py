"""To and Cc, in the forms that people and their programs write."""

from __future__ import annotations

import time

import pytest

from gateway.parsing.address_fields import LIST_LIMIT_CHARACTERS, recipients
from rules.mail.header import read

ANN, BOB, US = "ann@acme.example", "bob@acme.example", "support@help.example"


def to(value: str) -> tuple[str, ...]:
    return recipients(read(f"To: {value}\r\n\r\n".encode()), "to")


BOTH = {
    "comma": f"{BOB}, {US}",
    "semicolon": f"{BOB}; {US}",
    "semicolon behind brackets": f"Bob <{BOB}>; Support <{US}>",
    "semicolons and commas": f"Bob <{BOB}>;, ; Support <{US}>;",
    "space": f"{BOB} {US}",
    "space behind brackets": f"<{BOB}> <{US}>",
    "brackets, then none": f"Bob <{BOB}> {US}",
    "fold instead of a comma": f"{BOB}\r\n {US}",
    "group": f"Team: {BOB}, {US};",
    "group that is not closed": f"Team: Bob <{BOB}>, {US}",
    "two groups": f"Team: {BOB}; Others: {US};",
    "colon in a name": f"Re: Foo <{BOB}>, {US}",
    "mailto": f"mailto:{BOB}, {US}",
    "mailto in brackets": f"<mailto:{BOB}>, <MAILTO:{US}>",
    "mailto with a subject": f"mailto:{BOB}?subject=Hello, {US}",
    "bracket not closed": f"Bob <{BOB}, {US}",
    "bracket not opened": f"{BOB}>, {US}",
    "doubled brackets": f"<<{BOB}>>, {US}",
    "square brackets": f"[{BOB}], {US}",
    "link of a client": f"{BOB}<mailto:{BOB}>, {US}",
    "apostrophes": f"'{BOB}', {US}",
    "apostrophes as a name": f"'{BOB}' <{BOB}>, {US}",
    "full stop": f"{BOB}, {US}.",
    "quote not closed": f'"Bob <{BOB}>, {US}',
    "quote too many": f'"Bob <{BOB}>, "Support" <{US}>',
    "only quoted": f'"{BOB}", {US}',
    "comma in quotes": f'"Bee, Bob" <{BOB}>; {US}',
    "comment": f"{BOB} (Bob; {ANN}), {US}",
    "comment not closed": f"{BOB} (Bob, {US}",
    "another address as a name": f'"{ANN}" <{BOB}>, {US}',
    "another address as a name without quotes": f"{ANN} <{BOB}>, {US}",
    "wide semicolon": f"{BOB}；{US}",
    "wide comma": f"{BOB}，{US}",
    "ideographic comma": f"{BOB}、{US}",
    "small semicolon": f"{BOB}﹔{US}",
    "wide separators after names": f"Bob <{BOB}>；Support <{US}>；",
    "wide comma in a name": f'"王，小明" <{BOB}>，{US}',
    "lines of their own": f"{BOB}\r\n\t{US}",
    "names on lines of their own": f"Bob <{BOB}>\r\n\tSupport <{US}>",
    "route": f"<@relay.example:{BOB}>, {US}",
    "raw UTF-8": f"Jürgen <{BOB}>; {US}",
    "name with a bracket": f"Bob [IT] <{BOB}>, {US}",
    "empty members": f",, {BOB},, {US},",
}


@pytest.mark.parametrize("form", BOTH)
def test_everybody_in_the_list_is_found(form: str) -> None:
    assert to(BOTH[form]) == (BOB, US)


def test_an_encoded_list_is_read() -> None:
    assert to("=?utf-8?q?Bob_=3Cbob=40acme.example=3E?=") == (BOB,)


@pytest.mark.parametrize(
    "value",
    [
        f'"{US}" <eve@[192.0.2.66]>',
        f'Eve <"{US}"@evil.example>',
        f'"{US}, Eve" <"eve x"@evil.example>',
        f"Eve <eve@[x:{US}]>",
        f'"{US}" <>',
        f'"{US}": "eve x"@evil.example;',
        f'"{US}":;',
        '=?utf-8?q?support=40help.example=2C_Ev=C3=A9?= <"eve x"@evil.example>',
    ],
)
def test_the_name_of_an_address_that_is_not_read_is_no_address(value: str) -> None:
    """Eve chose it, and the client of the person who answers her writes it into To."""
    assert to(value) == ()
    assert to(f"{value}, {BOB}") == (BOB,)


def test_the_name_of_a_group_is_no_address() -> None:
    assert to(f'"{US}": {BOB};') == (BOB,)
    assert to(f'"{US}" <@evil.example:{BOB}>') == (BOB,)


@pytest.mark.parametrize(
    "value", ["undisclosed-recipients:;", "Team:;", "bob", "<>", '"', "(x", ""]
)
def test_a_list_of_nobody_names_nobody(value: str) -> None:
    assert to(value) == ()


@pytest.mark.parametrize(
    "piece",
    [
        '\\"',
        "(\\(",
        "<",
        "(",
        '"',
        "\\(",
        "()",
        "a@",
        ";<",
        "' ",
        '"a',
        "\\a",
        "a.",
        "a-",
        "b@a.",
        "(a",
        "@[",
    ],
)
def test_a_long_list_takes_linear_time(piece: str) -> None:
    value = (f"{ANN}; " + piece * LIST_LIMIT_CHARACTERS)[:LIST_LIMIT_CHARACTERS]
    began = time.process_time()
    to(value)
    assert time.process_time() - began < 1
