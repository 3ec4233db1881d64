"""Who writes, and under which policy."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path

from rules.people import Role
from storage.db.database import Connection
from storage.registry import saved_replies
from storage.registry.companies import add_company
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person, set_language
from tests.acceptance.policies.policy_server import SAM, SUPPORT

TINA, UWE = "tina@help.example", "uwe@help.example"
ANN, BOB, CAT = "ann@acme.example", "bob@acme.example", "cat@acme.example"
DORA, EMIL, FRITZ = "dora@berg.example", "emil@berg.example", "fritz@berg.example"
OUTSIDER = "steuer@kanzlei.example"

STAFF = (SAM, TINA, UWE)
ACME, BERG = (ANN, BOB, CAT), (DORA, EMIL, FRITZ)
GERMAN = (UWE, *BERG)
TIER = "Gold-Plated"
PROMISE = f"""
[[tiers]]
name = "gold"
title = "{TIER}"
first = {{ Critical = "2 days", High = "2 days", Normal = "2 days", Low = "2 days" }}
"""
WELCOME = "Guten Tag {name}, wir haben {ticket} erhalten und prüfen die Rechnung."


class Client(StrEnum):
    OUTLOOK = "Outlook"
    GMAIL = "Gmail"
    APPLE = "Apple Mail"
    PHONE = "iPhone"


def name_of(address: str) -> str:
    return address.partition("@")[0].capitalize()


def write_policy(folder: Path) -> str:
    """Write the default policy with one plan; the setting that names its folder."""
    text = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
    policies = folder / "policies"
    policies.mkdir()
    (policies / "default.toml").write_text(f'default_tier = "gold"\n{text}{PROMISE}', "utf-8")
    return f'[policies]\nfolder = "{policies}"\n'


def enrol(connection: Connection) -> None:
    """Register everybody, and a saved reply. Sam is there already."""
    mailbox = mailbox_named(connection, SUPPORT)
    for address in (TINA, UWE):
        add_person(connection, mailbox, NewPerson(address, name_of(address), Role.STAFF, None))
    for company, people in (("Acme", ACME), ("Berg", BERG)):
        add_company(connection, mailbox, company, [people[0].partition("@")[2]])
        for address in people:
            add_person(
                connection, mailbox, NewPerson(address, name_of(address), Role.USER, company)
            )
    set_language(connection, mailbox, Role.STAFF, UWE, "de")
    for address in BERG:
        set_language(connection, mailbox, Role.USER, address, "de")
    saved_replies.set_reply(
        connection, mailbox, "welcome", "", WELCOME, by=SAM, now=datetime(2026, 11, 29, tzinfo=UTC)
    )
