"""Which door a mail came through, by what forwarders and lists write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail import header
from rules.mail.front_doors import FrontDoor, door_of, newest_sealer

FROM = "From: Ann <ann@acme.example>\r\n"


@pytest.mark.parametrize(
    ("fields", "mail_from", "door"),
    [
        ("", "ann@acme.example", FrontDoor.OWN_MX),
        ("X-MS-Exchange-SenderADCheck: 1\r\n", "ann@acme.example", FrontDoor.OWN_MX),
        ("ARC-Seal: i=1; d=microsoft.com; b=x\r\n", "ann@acme.example", FrontDoor.OWN_MX),
        ("", "SRS0=Ab1c=XY=acme.example=ann@fwd.example", FrontDoor.FORWARDED),
        ("Resent-From: help@public.example\r\n", "x@public.example", FrontDoor.FORWARDED),
        ("X-MS-Has-Attach: \r\n", "bounces+SRS=Ab=XY@public.example", FrontDoor.MICROSOFT),
        ("", "help+caf_=support=help.example@public.example", FrontDoor.GOOGLE),
        ("X-Forwarded-For: a@b.example c@d.example\r\n", "x@public.example", FrontDoor.GOOGLE),
        ("List-Id: <team.acme.example>\r\n", "x@acme.example", FrontDoor.LIST_KEPT),
        ("List-Id: <ann.acme.example>\r\n", "x@acme.example", FrontDoor.LIST_REPLACED),
        ("X-Google-Group-Id: 1\r\nList-ID: <a.b.c>\r\n", "x@b.c", FrontDoor.GROUP_KEPT),
    ],
)
def test_a_door_is_seen_by_its_signs(fields: str, mail_from: str, door: FrontDoor) -> None:
    seen = door_of(header.read(f"{fields}{FROM}\r\n".encode()), mail_from)
    assert seen.door is door
    assert seen.passes_on is (door is not FrontDoor.OWN_MX)


def test_a_listed_relay_is_a_door_and_does_not_hide_another() -> None:
    plain, group = (
        header.read(f"{each}{FROM}\r\n".encode()) for each in ("", "List-Id: <l.x>\r\n")
    )
    assert door_of(plain, "ann@acme.example", "mx.help.example").door is FrontDoor.RELAY
    seen = door_of(group, "x@l.x", "mx.help.example")
    assert seen.door is FrontDoor.LIST_KEPT
    assert "handed over by the listed relay mx.help.example" in seen.signs


def test_the_newest_seal_is_that_of_the_highest_instance() -> None:
    seals = "".join(
        f"ARC-Seal: i={n}; a=rsa-sha256; d={domain}; b=x\r\n"
        for n, domain in ((2, "b.example"), (10, "C.example"), (1, "a.example"))
    )
    assert newest_sealer(header.read(f"{seals}\r\n".encode())) == "c.example"
    assert newest_sealer(header.read(b"ARC-Seal: d=a.example\r\n\r\n")) == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_seeing_a_door_never_raises(value: str, mail_from: str) -> None:
    raw = "".join(f"{name}: {value}\r\n" for name in ("ARC-Seal", "List-Id", "X-Original-From"))
    door_of(header.read(raw.encode()), mail_from)
