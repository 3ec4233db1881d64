"""Each front door works as the right person, and its forged twin proves nobody."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.commands import app
from rules.mail import header
from rules.mail.front_doors import FrontDoor, door_of
from storage.mail.journal import JournalEntry
from tests.acceptance.front_doors.doors import (
    ALIAS,
    DOORS,
    FORWARDER_HOST,
    GMAIL_PATH,
    GROUP,
    GROUP_PATH,
    MICROSOFT_DKIM,
    POSTFIX,
    RELAYS,
    SRS,
    Door,
    Offered,
    by_google,
    by_microsoft,
    sealed,
    signed,
    through_group,
    unsigned,
)
from tests.acceptance.internet import ANN, AUTHSERV_ID, EVE, Target, running_target
from tests.acceptance.support_server import SUPPORT
from tests.gateway.senders import forged_signatures, rsa_key
from tests.stores import SqliteStores

PAGE = Path(__file__).parents[3] / "docs" / "front-doors.md"


@pytest.fixture(scope="module")
def target(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """A server with the settings of docs/front-doors.md."""
    relays = "".join(
        f'[[trust.relays]]\npeer = "{host}/32"\nauthserv_id = "{name}"\n'
        for host, name in RELAYS.items()
    )
    with running_target(
        tmp_path_factory.mktemp("doors"),
        sqlite_stores.new(),
        trust='sealers = ["google.com", "microsoft.com"]\nforwarders = ["help.example"]',
        more_relays=relays,
        lists=f'["{GROUP}"]',
        aliases=f'["{ALIAS}"]',
    ) as running:
        key = rsa_key(2048).record
        for signer in ("google.com", "microsoft.com"):
            running.dns.records[f"s1._domainkey.{signer}", "TXT"] = [key]
        running.dns.records["help.example", "TXT"] = [f"v=spf1 ip4:{FORWARDER_HOST} -all"]
        yield running


@dataclass(frozen=True)
class Outcome:
    """What became of a mail, as a cell of the table has it."""

    reply: str
    verdict: str
    reason: str
    by: str
    """What proved the author; empty if nothing did."""


_CELL = re.compile(r"(\d{3} \d\.\d\.\d+), (\w+), `(\w+)`(?:, (?:[\w @.]+ )?by `([^`]+)`)?")


def documented() -> dict[str, tuple[Outcome, Outcome]]:
    """The rows of the table: what becomes of the genuine mail, and of its twin."""
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        outcomes = [Outcome(*(text or "" for text in found)) for found in map(outcome_in, cells)]
        if len(outcomes) == len(cells) and line.startswith("| ") and outcomes[-1].reply:
            rows[cells[0]] = (outcomes[-2], outcomes[-1])
    return rows


def outcome_in(cell: str) -> tuple[str, ...]:
    found = _CELL.match(cell)
    return found.groups() if found else ("", "", "", "")


def offered(target: Target, mail: Offered) -> tuple[Outcome, JournalEntry]:
    """Offer a mail through the real port: its outcome, and its row in the journal."""
    known = {entry.id for entry in target.journal()}
    target.send(mail.raw, mail.mail_from, source=mail.source)
    (entry,) = (each for each in target.journal() if each.id not in known)
    by = str(entry.authentication.get("by", ""))
    return Outcome(entry.reply[:9], str(entry.verdict), str(entry.reason), by), entry


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_each_door_works_as_the_right_person_and_its_twin_as_nobody(
    target: Target, door: Door
) -> None:
    genuine, twin = documented()[door.name]
    assert offered(target, door.genuine())[0] == genuine
    found, entry = offered(target, door.twin())
    assert found == twin
    assert entry.authentication.get("aligned") is False


def test_the_table_has_a_row_for_each_door_and_no_other() -> None:
    assert set(documented()) == {door.name for door in DOORS}
    assert len(DOORS) >= 14


def test_the_ticket_of_a_replaced_author_is_theirs(target: Target) -> None:
    door = next(each for each in DOORS if each.name == "Google Group, author replaced")
    _, entry = offered(target, door.genuine())
    assert entry.author == ANN
    assert entry.ticket is not None
    assert target.ticket(entry.ticket).summary.requester == ANN


def test_a_held_mail_of_a_replaced_author_is_theirs_when_it_is_released(target: Target) -> None:
    zoe = "zoe@acme.example"
    raw = through_group(by_google(zoe), "help.example", author=zoe)
    found, entry = offered(target, Offered(raw, GROUP_PATH))
    assert (found.verdict, found.reason, entry.author) == ("held", "not_enrolled", zoe)

    options = ("--config", str(target.postern.config))
    done = CliRunner().invoke(app, ["held", "release", str(entry.id), "--enrol", *options])
    assert done.exit_code == 0, done.output
    ticket = target.journal()[-1].ticket
    assert ticket is not None
    assert target.ticket(ticket).summary.requester == zoe

    explained = CliRunner().invoke(app, ["explain", str(entry.id), *options])
    assert "a list of ours replaced the author in From" in explained.output


def test_a_mail_that_was_sent_to_somebody_else_is_not_addressed_by_a_seal(target: Target) -> None:
    """Somebody has a mail of Ann's, whose DKIM does not cover To, and sends it with another To
    through an account of theirs, which forwards it here."""
    stated = by_google(ANN).replace(f"smtp.mailfrom={ANN}", "smtp.mailfrom=eve@evil.example")
    raw = sealed(signed(ANN, signs=MICROSOFT_DKIM), stated)
    found, _ = offered(target, Offered(raw, GMAIL_PATH))
    assert (found.verdict, found.reason) == ("held", "not_addressed")


def test_a_mail_to_somebody_else_that_a_listed_forwarder_passes_on_is_not_addressed(
    target: Target, tmp_path: Path
) -> None:
    """Ann wrote to Eve, whose provider received and sealed it. Eve gives it to the forwarder, which
    seals nothing itself."""
    mail = Offered(sealed(unsigned(ANN, to=EVE), by_google(ANN)), SRS, FORWARDER_HOST)
    found, entry = offered(target, mail)
    assert (found.verdict, found.reason, found.by) == ("held", "not_addressed", "arc:google.com")
    assert entry.author == ANN

    said = doctor(target, target.postern.config, mail, tmp_path)[1]
    assert "help.example is listed under forwarders: it must seal what it forwards" in said


CAUGHT = by_google(ANN).replace(f"smtp.mailfrom={ANN}", "smtp.mailfrom=eve@evil.example")


def caught_and_sealed_under_forged_signatures() -> Offered:
    return Offered(sealed(forged_signatures(5) + signed(ANN, signs=MICROSOFT_DKIM), CAUGHT), EVE)


def caught_and_sent_to_the_group() -> Offered:
    return Offered(through_group(CAUGHT, "help.example"), GROUP_PATH)


def caught_and_respelt_for_the_relay() -> Offered:
    """opendkim skips a character that is not of base64."""
    raw = re.sub(rb"(\bb=\s*[A-Za-z0-9+/]{6})", rb"\1*", signed(ANN, signs=MICROSOFT_DKIM), count=1)
    caught = f"{AUTHSERV_ID}; dkim=pass header.d=acme.example; dmarc=pass header.from=acme.example"
    return Offered(f"Authentication-Results: {caught}\r\n".encode() + raw, EVE, POSTFIX)


@pytest.mark.parametrize(
    "caught",
    [
        caught_and_sealed_under_forged_signatures,
        caught_and_sent_to_the_group,
        caught_and_respelt_for_the_relay,
    ],
)
def test_a_mail_that_ann_wrote_to_somebody_else_opens_no_ticket_of_hers(
    target: Target, caught: Callable[[], Offered]
) -> None:
    found, _ = offered(target, caught())
    assert found.verdict in ("held", "refused")


def test_a_seal_of_microsoft_s_counts_for_to_only_from_a_listed_forwarder(target: Target) -> None:
    elsewhere = (SRS, "127.0.0.1"), ("x@help.example.evil.example", FORWARDER_HOST)
    for mail_from, source in elsewhere:
        raw = sealed(unsigned(ANN), by_microsoft(ANN), "microsoft.com")
        found, _ = offered(target, Offered(raw, mail_from, source))
        assert (found.verdict, found.reason) == ("held", "not_addressed")
    assert offered(target, Offered(raw, SRS, FORWARDER_HOST))[0].verdict == "opened"


def test_the_page_names_the_settings_of_this_server() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert 'sealers = ["google.com", "microsoft.com"]' in page
    assert f'lists = ["{GROUP}"]' in page
    assert AUTHSERV_ID in page


DOOR_SEEN = {
    "own MX": FrontDoor.OWN_MX,
    "own Postfix as a listed relay": FrontDoor.RELAY,
    "Gmail or Workspace forwards": FrontDoor.GOOGLE,
    "Workspace forwards mail from Microsoft 365": FrontDoor.GOOGLE,
    "SPF alone, forwarded": FrontDoor.GOOGLE,
    "Google Group, author kept": FrontDoor.GROUP_KEPT,
    "Google Group, author replaced": FrontDoor.GROUP_REPLACED,
    "Google Group, author not proven": FrontDoor.GROUP_REPLACED,
    "Microsoft 365 forwards": FrontDoor.MICROSOFT,
    "Microsoft 365 rule marks as automatic": FrontDoor.MICROSOFT,
    "Mailman, author replaced": FrontDoor.LIST_REPLACED,
    "Exchange Online as a listed relay": FrontDoor.RELAY,
    "Amazon SES as a listed relay": FrontDoor.RELAY,
    "Yahoo as a listed relay": FrontDoor.RELAY,
    "Zoho as a listed relay": FrontDoor.RELAY,
}


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_the_door_of_each_mail_is_seen(door: Door) -> None:
    mail = door.genuine()
    seen = door_of(header.read(mail.raw), mail.mail_from, RELAYS.get(mail.source, "") or "relay")
    without = door_of(header.read(mail.raw), mail.mail_from)
    expected = DOOR_SEEN[door.name]
    assert (seen if expected is FrontDoor.RELAY else without).door is expected
    if expected is FrontDoor.RELAY:
        assert without.door is FrontDoor.OWN_MX
    assert not seen.is_list or any("List-Id" in sign for sign in seen.signs)


def doctor(target: Target, config: Path, mail: Offered, folder: Path) -> tuple[int, str]:
    file = folder / "mail.eml"
    file.write_bytes(mail.raw)
    options = ("--mail-from", mail.mail_from, "--peer", mail.source, "--rcpt", SUPPORT)
    arguments = ["doctor", "--mail", str(file), *options, "--config", str(config)]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    return done.exit_code, " ".join(done.output.split())


def settings_changed(target: Target, folder: Path, *left_out: str) -> Path:
    """The configuration of the server without some of its lines."""
    text = target.postern.config.read_text(encoding="utf-8")
    policy = (target.postern.config.parent / "policies" / "default.toml").read_text("utf-8")
    for line in left_out:
        assert line in text or line in policy
        text, policy = text.replace(line, ""), policy.replace(line, "")
    folder.mkdir(exist_ok=True)
    (folder / "default.toml").write_text(policy, encoding="utf-8")
    text = text.replace(str(target.postern.config.parent / "policies"), str(folder))
    config = folder.with_suffix(".toml")
    config.write_text(text, encoding="utf-8")
    return config


def the(name: str) -> Door:
    return next(each for each in DOORS if each.name == name)


def test_the_doctor_says_which_door_and_what_was_proven(target: Target, tmp_path: Path) -> None:
    mail = the("Google Group, author replaced").genuine()
    code, said = doctor(target, target.postern.config, mail, tmp_path)
    assert code == 0
    assert said.startswith(f"Google Group, author replaced, for {SUPPORT}")
    assert f"proven {ANN} by arc:google.com" in said
    assert "decided opened, new_request" in said
    assert "no setting is missing" in said


def test_the_doctor_names_the_settings_that_are_missing(target: Target, tmp_path: Path) -> None:
    trust = 'sealers = ["google.com", "microsoft.com"]'
    config = settings_changed(target, tmp_path / "bare", trust, f'lists = ["{GROUP}"]')
    code, said = doctor(target, config, the("Google Group, author replaced").genuine(), tmp_path)
    assert code == os.EX_CONFIG
    assert 'missing trust.sealers = ["google.com"] in the configuration only if' in said
    assert f'missing lists = ["{GROUP}"] in policy default only if' in said

    config = settings_changed(target, tmp_path / "unforwarded", 'forwarders = ["help.example"]')
    code, said = doctor(target, config, the("Microsoft 365 forwards").genuine(), tmp_path)
    assert code == os.EX_CONFIG
    assert 'missing trust.forwarders = ["help.example"]' in said
    assert "decided held, not_addressed" in said


def test_the_doctor_names_no_setting_that_would_help_a_forger(
    target: Target, tmp_path: Path
) -> None:
    code, said = doctor(target, target.postern.config, the("own MX").twin(), tmp_path)
    assert code == 0
    assert f"nothing proves {ANN}" in said
    assert "missing" not in said
