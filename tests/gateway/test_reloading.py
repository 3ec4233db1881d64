"""Policies are read again while the server runs: all are put in force, or the old ones stay."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from gateway.config.model import load
from gateway.policies import read
from gateway.services import Services, open_services
from rules.mail import Delivery, Envelope
from storage.ticket.summaries import newest
from tests.gateway.cli.command_line import ANNS_MAIL, CommandLine, command_line
from tests.stores import SqliteStores

SUPPORT = "support@help.example"
DEFAULT = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
NO_LONGER_HIGH = (
    ('name = "High"\n', 'name = "High"\ncritical = true\n'),
    ('ceiling = "High"', 'ceiling = "Normal"'),
    ('high_importance = "High"', 'high_importance = "Normal"'),
)


@pytest.fixture
def line(tmp_path: Path, sqlite_stores: SqliteStores) -> CommandLine:
    """A mailbox under a policy file of ours with the name `default`."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "default.toml").write_text(DEFAULT)
    made = command_line(tmp_path, sqlite_stores.new(), f'[policies]\nfolder = "{folder}"\n')
    assert made.run("init", "--demo").code == 0
    return made


@pytest.fixture
async def services(line: CommandLine) -> AsyncIterator[Services]:
    async with open_services(load(line.config)) as opened:
        yield opened


def write(line: CommandLine, *replacements: tuple[str, str]) -> Path:
    text = DEFAULT
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = line.config.parent / "policies" / "default.toml"
    path.write_text(text)
    return path


def reloads(services: Services) -> dict[str, int]:
    found = re.findall(
        rb'postern_policy_reloads_total\{result="(\w+)"\} (\d+)', services.runtime.metrics.render()
    )
    return {result.decode(): int(number) for result, number in found}


def days_in_force(services: Services) -> int:
    return services.runtime.policies["default"].hold.days


async def test_a_valid_file_is_in_force_for_the_next_mail(
    line: CommandLine, services: Services
) -> None:
    write(line, ("\ndays = 14 ", "\ndays = 3 "))

    with capture_logs() as log:
        assert await services.policy_reload.reload()

    assert days_in_force(services) == 3
    assert [(each["event"], each["changed"]) for each in log] == [
        ("policies_reloaded", ["default"])
    ]
    assert reloads(services) == {"loaded": 1}


async def test_a_policy_that_is_as_before_stays_the_same_object(
    line: CommandLine, services: Services
) -> None:
    """Else each mail in flight under it would be considered once more."""
    before = dict(services.runtime.policies)
    write(line, ("\ndays = 14 ", "\ndays = 3 "))

    assert await services.policy_reload.reload()

    after = services.runtime.policies
    assert {name for name in before if after[name] is not before[name]} == {"default"}


async def test_one_broken_file_refuses_all_and_every_fault_is_logged(
    line: CommandLine, services: Services
) -> None:
    path = write(line, ("\ndays = 14 ", "\ndays = 3 "))
    broken = path.with_name("broken.toml")
    text = DEFAULT.replace('name = "default"', 'name = "broken"', 1)
    broken.write_text(text.replace("\nceiling", "\ncieling"))

    with capture_logs() as log:
        assert not await services.policy_reload.reload()

    assert days_in_force(services) == 14
    assert [each["event"] for each in log] == ["policies_refused"]
    assert any("did you mean ceiling?" in fault for fault in log[0]["faults"])
    assert all(str(broken) in fault for fault in log[0]["faults"])
    assert reloads(services) == {"refused": 1}


async def test_no_reload_makes_a_mails_ticket_critical(
    line: CommandLine, services: Services
) -> None:
    high = ANNS_MAIL.replace(b"Subject: ", b"Subject: [P2] ")
    assert line.pipe(high, "ann@acme.example").code == 0
    write(line, *NO_LONGER_HIGH)

    with capture_logs() as log:
        assert not await services.policy_reload.reload()

    assert not services.runtime.policies["default"].levels[1].critical
    assert "makes High critical, but 1 ticket" in log[0]["faults"][0]
    assert line.run("tickets", "set", "1", "--severity", "Normal").code == 0
    assert await services.policy_reload.reload()
    assert services.runtime.policies["default"].levels[1].critical


async def test_a_mail_that_was_considered_before_is_decided_by_the_new_policy(
    line: CommandLine, services: Services
) -> None:
    changed = write(line, *NO_LONGER_HIGH)
    new = {**services.runtime.policies, "default": read(changed).policy}

    def new_id() -> UUID:
        """Called after a mail was considered, and before it is filed."""
        services.policy_reload.book.replace(new)
        return services.runtime.new_id()

    ingest = replace(services.ingest, runtime=replace(services.runtime, new_id=new_id))
    raw = ANNS_MAIL.replace(b"Subject: ", b"Subject: [P2] ").replace(b"\n", b"\r\n")
    envelope = Envelope("127.0.0.1", "client", False, "ann@acme.example", (SUPPORT,))

    (reply,) = await ingest.take(Delivery(envelope, raw))

    assert reply.accepted
    (ticket,) = line.read(lambda connection: newest(connection, 10))
    assert ticket.severity == "Normal"  # the ceiling of the new policy; High is critical there


async def test_open_tickets_that_a_changed_policy_leaves_are_logged(
    line: CommandLine, services: Services
) -> None:
    assert line.pipe(ANNS_MAIL, "ann@acme.example").code == 0
    write(line, ('name = "Normal"', 'name = "Usual"'), ('default = "Normal"', 'default = "Usual"'))

    with capture_logs() as log:
        assert await services.policy_reload.reload()

    assert [each["event"] for each in log] == ["policies_reloaded", "tickets_left"]
    assert log[1]["mailbox"] == SUPPORT
    assert '1 open ticket is at the level "Normal" (#1): ' in log[1]["what"]


async def test_an_address_that_a_changed_policy_gives_to_two_mailboxes_is_logged(
    line: CommandLine, services: Services
) -> None:
    assert line.run("mailbox", "add", "billing@help.example").code == 0
    write(line, ("aliases = []", 'aliases = ["all@public.example"]'))

    with capture_logs() as log:
        assert await services.policy_reload.reload()

    (shared,) = [each for each in log if each["event"] == "address_shared"]
    assert shared["address"] == "all@public.example"
    assert set(shared["mailboxes"]) == {SUPPORT, "billing@help.example"}


async def test_it_is_logged_again_only_where_something_has_changed_about_it(
    line: CommandLine, services: Services
) -> None:
    assert line.run("mailbox", "add", "billing@help.example").code == 0
    logged = []
    for aliases in ("all@", "all@", "all@ more@", "", "all@"):
        listed = [f"{each}public.example" for each in aliases.split()]
        write(line, ("aliases = []", f"aliases = {listed}"))
        with capture_logs() as log:
            assert await services.policy_reload.reload()
        logged.append([each["address"] for each in log if each["event"] == "address_shared"])

    assert logged == [
        ["all@public.example"],
        [],
        ["more@public.example"],
        [],
        ["all@public.example"],
    ]


async def test_a_policy_that_a_mailbox_names_cannot_go(
    line: CommandLine, services: Services
) -> None:
    own = line.config.parent / "policies" / "ours.toml"
    own.write_text(DEFAULT.replace('\nname = "default"', '\nname = "ours"'))
    assert await services.policy_reload.reload()
    assert line.run("mailbox", "policy", SUPPORT, "ours").code == 0
    own.unlink()

    with capture_logs() as log:
        assert not await services.policy_reload.reload()

    assert "ours" in services.runtime.policies
    assert "no policy 'ours'" in log[0]["faults"][0]


async def test_a_store_that_cannot_be_asked_leaves_the_policies_as_they_were(
    line: CommandLine, services: Services
) -> None:
    write(line, ("\ndays = 14 ", "\ndays = 3 "))
    line.write(lambda c: c.exec_driver_sql("ALTER TABLE mailbox RENAME TO gone"))

    with capture_logs() as log:
        assert not await services.policy_reload.reload()

    assert days_in_force(services) == 14
    assert [each["event"] for each in log] == ["policies_not_reloaded"]
    assert reloads(services) == {"failed": 1}
