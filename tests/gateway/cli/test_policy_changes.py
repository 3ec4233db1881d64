"""No policy makes a mail's ticket critical: not at start, not at a switch; `validate` says so."""

from __future__ import annotations

import asyncio
import os
import re
from importlib import resources
from pathlib import Path

import pytest

from gateway.app import serve
from gateway.config.model import load
from gateway.services import open_services
from rules.mail import Delivery, Envelope
from rules.policy import PolicyRefused
from storage.registry import mailboxes
from tests.gateway.cli.command_line import ANNS_MAIL, CommandLine, command_line

SUPPORT = "support@help.example"
HIGH = ANNS_MAIL.replace(b"Subject: ", b"Subject: [P2] ")


def stricter(name: str) -> str:
    """The default policy under a name, with High critical as well."""
    text = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
    for old, new in (
        ('name = "default"', f'name = "{name}"'),
        ('name = "High"\n', 'name = "High"\ncritical = true\n'),
        ('ceiling = "High"', 'ceiling = "Normal"'),
        ('high_importance = "High"', 'high_importance = "Normal"'),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def line(tmp_path: Path, store_url: str) -> CommandLine:
    """A mailbox under `default`, and the policy `strict`; one ticket of a mail stands at High."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "strict.toml").write_text(stricter("strict"))
    folder = f'[policies]\nfolder = "{tmp_path}/policies"\n'
    made = command_line(tmp_path, store_url, folder)
    assert made.run("init", "--demo").code == 0
    assert made.pipe(HIGH, "ann@acme.example").code == 0
    return made


def refusal(policy: str) -> str:
    return (
        f"the policy '{policy}' makes High critical, but 1 ticket of {SUPPORT} that is not critical"
        " has this severity (#1). Give the critical level another name, or first close it or set"
        " its severity: postern tickets set 1 --severity LEVEL"
    )


async def test_no_server_starts_on_a_policy_file_that_makes_a_mails_ticket_critical(
    line: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "policies" / "default.toml").write_text(stricter("default"))

    with pytest.raises(PolicyRefused) as refused:
        await serve(load(line.config), asyncio.Event(), lambda: None)

    assert str(refused.value) == f"mailbox {SUPPORT}: {refusal('default')}"
    assert line.run("tickets", "set", "1", "--severity", "Normal").code == 0
    async with open_services(load(line.config)) as services:
        await services.check_tickets()


def test_a_mailbox_does_not_go_under_such_a_policy(line: CommandLine) -> None:
    done = line.run("mailbox", "policy", SUPPORT, "strict")

    assert (done.code, refusal("strict") in done.err) == (os.EX_CONFIG, True)
    assert line.read(mailboxes.list_mailboxes)[0].policy == "default"
    assert line.run("tickets", "set", "1", "--severity", "Low").code == 0
    assert line.run("mailbox", "policy", SUPPORT, "strict").code == 0
    assert line.read(mailboxes.list_mailboxes)[0].policy == "strict"


def test_a_ticket_that_is_closed_or_that_staff_made_critical_is_in_nobodys_way(
    line: CommandLine,
) -> None:
    assert line.run("tickets", "set", "1", "--status", "closed").code == 0
    assert line.run("mailbox", "policy", SUPPORT, "strict").code == 0
    assert line.pipe(ANNS_MAIL.replace(b"lift@", b"again@"), "ann@acme.example").code == 0
    staff = ("tickets", "set", "2", "--severity", "High", "--why", "nobody can work")
    assert line.run(*staff).code == 0
    assert line.run("mailbox", "policy", SUPPORT, "default").code == 0
    assert line.run("mailbox", "policy", SUPPORT, "strict").code == 0


async def test_a_mailbox_that_takes_no_mail_at_present_is_checked_too(
    line: CommandLine, tmp_path: Path
) -> None:
    assert line.run("mailbox", "deactivate", SUPPORT).code == 0
    (tmp_path / "policies" / "default.toml").write_text(stricter("default"))

    with pytest.raises(PolicyRefused):
        await serve(load(line.config), asyncio.Event(), lambda: None)


def test_validate_compares_a_file_with_the_tickets_of_the_store(
    line: CommandLine, tmp_path: Path
) -> None:
    new, old = tmp_path / "new.toml", tmp_path / "policies" / "strict.toml"
    new.write_text(stricter("default"))

    done = line.run("policy", "validate", str(new), str(old))

    assert done.code == os.EX_CONFIG
    assert done.out == f"{old}: the policy strict is valid.\n"
    assert f"{new}: {refusal('default')}" in done.err


async def test_the_message_counts_all_tickets_and_names_the_first(line: CommandLine) -> None:
    envelope = Envelope("127.0.0.1", "client", False, "ann@acme.example", (SUPPORT,))
    async with open_services(load(line.config)) as services:
        for number in range(6):
            raw = HIGH.replace(b"lift@", b"lift%d@" % number).replace(b"\n", b"\r\n")
            (reply,) = await services.ingest.take(Delivery(envelope, raw))
            assert reply.accepted

    done = line.run("mailbox", "policy", SUPPORT, "strict")

    assert "but 7 tickets of" in done.err
    assert "(#1, #2, #3, #4, #5, …)" in done.err


def test_validate_names_the_open_tickets_that_a_changed_file_leaves(
    line: CommandLine, tmp_path: Path
) -> None:
    new = tmp_path / "new.toml"
    text = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
    new.write_text(text.replace('"High"', '"Severe"'))

    done = line.run("policy", "validate", str(new))

    assert done.code == 0
    assert f'{new}: {SUPPORT}: 1 open ticket is at the level "High" (#1): ' in done.out
    assert "until staff set another severity: Critical, Severe, Normal, Low." in done.out


def test_validate_names_the_addresses_that_a_file_gives_to_several_mailboxes(
    line: CommandLine, tmp_path: Path
) -> None:
    new = tmp_path / "new.toml"
    text = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
    new.write_text(text.replace("aliases = []", 'aliases = ["all@public.example"]'))
    alone = line.run("policy", "validate", str(new)).out
    assert line.run("mailbox", "add", "billing@help.example", "--policy", "default").code == 0

    done = line.run("policy", "validate", str(new))

    both = f"all@public.example is an address of billing@help.example and {SUPPORT}: "
    assert (both in alone, both in done.out, done.code) == (False, True, 0)


def test_so_it_does_where_the_other_mailbox_has_another_policy(
    line: CommandLine, tmp_path: Path
) -> None:
    """The other policy is that of the folder, unless a file is given in its place."""
    folder = tmp_path / "policies"
    ours, theirs, draft = folder / "ours.toml", folder / "theirs.toml", tmp_path / "draft.toml"
    ours.write_text(known_by("ours", "all@public.example"))
    theirs.write_text(known_by("theirs", "all@public.example"))
    draft.write_text(known_by("theirs", "elsewhere@public.example"))
    assert line.run("mailbox", "add", "billing@help.example", "--policy", "ours").code == 0
    assert line.run("mailbox", "add", "sales@help.example", "--policy", "theirs").code == 0

    alone, both, replaced = (
        line.run("policy", "validate", *map(str, files))
        for files in ([ours], [ours, theirs], [ours, draft])
    )

    shared = "all@public.example is an address of billing@help.example and sales@help.example: "
    assert [each.code for each in (alone, both, replaced)] == [0, 0, 0]
    assert [each.out.count(shared) for each in (alone, both, replaced)] == [1, 2, 0]


def test_a_broken_file_of_the_folder_is_in_the_way_of_no_other(
    line: CommandLine, tmp_path: Path
) -> None:
    ours, broken = tmp_path / "ours.toml", tmp_path / "policies" / "broken.toml"
    ours.write_text(known_by("ours", "all@public.example"))
    broken.write_text("not a policy")

    done = line.run("policy", "validate", str(ours))

    not_compared = f"its aliases and lists are not compared with those of {broken}"
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"{ours}: the policy ours is valid.",
        f"{ours}: {not_compared}, which is not valid",
    ]


def known_by(name: str, alias: str) -> str:
    """The default policy under a name, with an alias."""
    text = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
    text = text.replace('name = "default"', f'name = "{name}"')
    return text.replace("aliases = []", f'aliases = ["{alias}"]')


def test_a_switch_can_be_tried_and_says_what_becomes_of_the_open_tickets(
    line: CommandLine,
) -> None:
    tried = line.run("mailbox", "policy", SUPPORT, "weka", "--dry-run")
    still = line.read(mailboxes.list_mailboxes)[0].policy
    done = line.run("mailbox", "policy", SUPPORT, "weka")
    refused = line.run("mailbox", "policy", SUPPORT, "strict", "--dry-run")

    assert (tried.code, still, done.code) == (0, "default", 0)
    assert '1 open ticket is at the level "High" (#1): ' in tried.out
    assert tried.out.splitlines()[1:] == done.out.splitlines()[1:]
    assert (refused.code, refusal("strict") in refused.err) == (os.EX_CONFIG, True)


MINUTE_A_WEEK = '[clock.calendar]\nalways = false\ndays = ["mon"]\ncloses = "09:01"\n\n'


def test_hours_in_which_a_contract_never_passes_are_refused_and_a_ticket_says_why(
    line: CommandLine, tmp_path: Path
) -> None:
    text = resources.files("rules.policy.presets").joinpath("stakater.toml").read_text("utf-8")
    for old, new in (
        ('name = "stakater"', 'name = "default"'),
        ('starts = "complete"', 'starts = "arrival"'),
        ('"without_promise"', '"full"'),
    ):
        text = text.replace(old, new, 1)
    policy = tmp_path / "policies" / "default.toml"
    policy.write_text(text)
    agreed = ("--first", "Medium=800 business hours", "--mailbox", SUPPORT)
    assert line.run("company", "tier", "Acme", "standard", *agreed).code == 0
    policy.write_text(re.sub(r"(?s)\[clock\.calendar\]\n.*?\n\n", MINUTE_A_WEEK, text, count=1))

    refused = [line.run("reload"), line.run("policy", "validate", str(policy))]
    mail = ANNS_MAIL.replace(b"<lift@", b"<stairs@")
    assert line.pipe(mail, "ann@acme.example").code == 0

    why = (
        "the contract of Acme promises first Medium within '800 business hours', which is more "
        "than five years in the hours of clock.calendar of the policy 'default'; give it more hours"
    )
    assert [(each.code, why in each.err) for each in refused] == [(os.EX_CONFIG, True)] * 2
    never = "800 business hours never pass in the hours of clock.calendar of the policy default"
    assert f"  due       unknown: {never}" in line.run("tickets", "show", "2").out
