"""A support lead writes their own policy by the steps of docs/policies.md, and it works."""

from __future__ import annotations

import email
import os
import signal
import smtplib
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from email.policy import default
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from rules.people import Role
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger, open_ledger
from storage.registry.companies import add_company
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.acceptance.policies.policy_server import a_mail, plain_text
from tests.acceptance.support_server import SUPPORT, eventually, filed
from tests.running import Postern, postern, serving
from tests.stores import SqliteStores

Completed = CompletedProcess[str]

FILE = Path("policies") / "kestrel.toml"
PHONE = "Is a map down for everybody? Call +43 1 555 0100 now."
REPLACEMENTS = {
    'title = "Careful defaults for any support team"': 'title = "Kestrel Maps"',
    'ceiling = "High"': 'ceiling = "Normal"',
    '"For critical problems, please use the way agreed with us, such as the phone."': f'"{PHONE}"',
    '"We have your request and will reply as soon as we can."': '"Kestrel has your request."',
}
ADDITIONS = r"""
[[severity.claims]]
pattern = '\bmaps? (?:is|are) down\b'
level = "Critical"

[[completeness.facts]]
name = "map"
ask = "Which map is it?"
patterns = ['\bmap (?:number )?\d{1,9}']
"""
USERS = ANN, BOB, CID, DAN = tuple(f"{name}@acme.example" for name in ("ann", "bob", "cid", "dan"))
OUTAGE = a_mail(ANN, "All our maps are down!")


@dataclass(frozen=True)
class NewPolicy:
    """The result of each step, and the server at the end."""

    folder: Path
    created: Completed
    created_twice: Completed
    misspelt: Completed
    correct: Completed
    explained: Completed
    checked: Completed
    running: Postern

    def acknowledgement(self, raw: bytes, sender: str) -> str:
        """Send a mail that opens a ticket; the text of its acknowledgement."""
        with smtplib.SMTP(*self.running.smtp, timeout=20) as client:
            client.ehlo("client.example")
            client.mail(sender)
            client.rcpt("support@help.example")
            code, text = client.data(raw)
        _, number = filed((code, text.decode()))
        return eventually(lambda: self._mail_about(number))

    def _mail_about(self, number: int) -> str | None:
        for path in (self.folder / "outbox" / "new").glob("*"):
            mail = email.message_from_bytes(path.read_bytes(), policy=default)
            if f"[#{number}]" in mail["Subject"]:
                return plain_text(mail)
        return None


def enrol_users(connection: Connection) -> None:
    """The users of Acme; each writes once, so that their mail is acknowledged at once."""
    mailbox = mailbox_named(connection, None)
    add_company(connection, mailbox, "Acme", ["acme.example"])
    for address in USERS:
        add_person(connection, mailbox, NewPerson(address, "", Role.USER, "Acme"))


@contextmanager
def open_ledger_of(store: str) -> Iterator[Ledger]:
    database = Database(store, connections=2)
    ledger = open_ledger(database)
    try:
        yield ledger
    finally:
        ledger.close()
        database.close()


@pytest.fixture(scope="module")
def new_policy(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewPolicy]:
    folder, store = tmp_path_factory.mktemp("kestrel"), sqlite_stores.new()
    config = folder / "postern.toml"
    config.write_text(
        '[smtp]\nlisten = "127.0.0.1:0"\n[http]\nlisten = "127.0.0.1:0"\n'
        f'[store]\nurl = "{store}"\n[relay]\nmaildir = "outbox"\n'
        '[trust]\npeers = ["127.0.0.0/8"]\n'
    )
    create = ("policy", "new", "kestrel", "--from", "default", "--folder", "policies")
    with chdir(folder):
        created, created_twice = postern(*create), postern(*create)
        text = FILE.read_text()
        for old, new in REPLACEMENTS.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        FILE.write_text(text.replace("ceiling =", "cieling =") + ADDITIONS)
        misspelt = postern("policy", "validate", str(FILE))
        FILE.write_text(text + ADDITIONS)
        correct = postern("policy", "validate", str(FILE))
        config.write_text(config.read_text() + '[policies]\nfolder = "policies"\n')
        explained = postern("policy", "explain", "kestrel")
        for command in ("init", "mailbox add support@help.example --policy kestrel"):
            done = postern(*command.split())
            assert done.returncode == 0, done.stderr
        with open_ledger_of(store) as ledger:
            ledger.submit(enrol_users).result()
        Path("mail.eml").write_bytes(OUTAGE)
        checked = postern("check", "mail.eml", "--rcpt", "support@help.example")
        with serving(config) as running:
            yield NewPolicy(
                folder, created, created_twice, misspelt, correct, explained, checked, running
            )


def test_new_writes_a_copy_and_lists_the_next_steps(new_policy: NewPolicy) -> None:
    assert (new_policy.created.returncode, (new_policy.folder / FILE).exists()) == (0, True)
    assert "postern policy validate policies/kestrel.toml" in new_policy.created.stdout
    assert "postern mailbox add support@help.example --policy kestrel" in new_policy.created.stdout


def test_new_overwrites_nothing(new_policy: NewPolicy) -> None:
    assert new_policy.created_twice.returncode == 65
    assert "already exists; nothing was written" in new_policy.created_twice.stderr


def test_a_misspelt_setting_is_reported_with_a_suggestion(new_policy: NewPolicy) -> None:
    assert new_policy.misspelt.returncode == 78
    assert "unknown setting: severity.cieling (did you mean ceiling?)" in new_policy.misspelt.stderr


def test_the_corrected_file_is_valid(new_policy: NewPolicy) -> None:
    assert (new_policy.correct.returncode, new_policy.correct.stderr) == (0, "")
    assert "the policy kestrel is valid" in new_policy.correct.stdout


def test_explain_describes_the_new_rules(new_policy: NewPolicy) -> None:
    text = " ".join(new_policy.explained.stdout.split())

    assert new_policy.explained.returncode == 0, new_policy.explained.stderr
    for rule in ("Kestrel Maps", PHONE, "Which map is it?"):
        assert rule in text


def test_all_explain_takes_a_file_and_shows_no_pattern(
    new_policy: NewPolicy, tmp_path: Path
) -> None:
    file = tmp_path / "of-a-colleague.toml"
    file.write_text((new_policy.folder / FILE).read_text())

    explained = postern("policy", "explain", str(file))
    broken = postern("policy", "explain", str(tmp_path / "none.toml"))

    assert (explained.returncode, explained.stderr) == (0, "")
    assert explained.stdout == new_policy.explained.stdout
    for chapter in ("Requests by mail", "Incomplete requests", "How to escalate", "Who is alerted"):
        assert f"\n{chapter}\n" in explained.stdout
    for sign in (r"\b", r"\d", "(?:", "{n}", "[a-z"):
        assert sign not in explained.stdout
    assert '"[#123]"' in explained.stdout
    assert broken.returncode == 78
    assert f"{tmp_path}/none.toml: cannot be read" in broken.stderr


def test_check_shows_the_result_of_a_mail_under_the_policy(new_policy: NewPolicy) -> None:
    text = " ".join(new_policy.checked.stdout.split())

    assert new_policy.checked.returncode == 0, new_policy.checked.stderr
    assert "claims Critical in the text: opens at Normal" in text


def test_a_mail_is_acknowledged_by_the_new_rules(new_policy: NewPolicy) -> None:
    acknowledged = new_policy.acknowledgement(OUTAGE, ANN)

    assert acknowledged.startswith(PHONE)
    assert "Kestrel has your request." in acknowledged
    assert "severity is Normal; you asked for Critical" in acknowledged
    assert "Which map is it?" in acknowledged


def test_a_complete_mail_is_not_asked_for_more(new_policy: NewPolicy) -> None:
    raw = a_mail(BOB, "Map number 4711 has a wrong label.")

    assert "Which map is it?" not in new_policy.acknowledgement(raw, BOB)


class TestReload:
    """The policy of the running server is changed; these tests end with another text in force."""

    def test_all_a_broken_policy_keeps_the_old_one(self, new_policy: NewPolicy) -> None:
        path, running = new_policy.folder / FILE, new_policy.running
        valid = path.read_text()
        changed = valid.replace("Kestrel has your request.", "Kestrel has read it.")
        path.write_text(changed.replace("ceiling =", "cieling ="))

        os.kill(running.process.pid, signal.SIGHUP)
        refused = running.event("policies_refused")
        command = running.run("reload")
        before = new_policy.acknowledgement(a_mail(CID, "Map 1 is blank."), CID)

        assert any("did you mean ceiling?" in fault for fault in refused["faults"])
        assert command.returncode == 78
        assert "did you mean ceiling?" in command.stderr
        assert "Kestrel has your request." in before

        path.write_text(changed)
        command = running.run("reload")
        reloaded = running.event("policies_reloaded")
        after = new_policy.acknowledgement(a_mail(DAN, "Map 2 is blank."), DAN)

        assert (command.returncode, command.stderr) == (0, "")
        assert reloaded["changed"] == ["kestrel"]
        assert "Kestrel has read it." in after

    def test_no_server_no_reload(self, new_policy: NewPolicy, tmp_path: Path) -> None:
        config = tmp_path / "postern.toml"
        text = (new_policy.folder / "postern.toml").read_text()
        config.write_text(text + f'[serve]\npid_file = "{tmp_path}/none.pid"\n')

        with chdir(new_policy.folder):
            command = postern("reload", "--config", str(config))

        assert command.returncode == 69
        assert f"no server has the file {tmp_path}/none.pid" in command.stderr


class TestSwitching:
    """Mail goes under another policy while tickets are open: the last test of this module."""

    def test_all_switching_names_the_open_tickets(self, new_policy: NewPolicy) -> None:
        running = new_policy.running
        _, number = filed(running.send(OUTAGE.replace(b"Subject: ", b"Subject: x "), ANN, SUPPORT))
        switch = ("mailbox", "policy", SUPPORT, "stakater")

        tried = running.run(*switch, "--dry-run")
        listed = running.run("mailbox", "list")
        done = running.run(*switch)
        after = running.run("tickets", "set", str(number), "--workaround")

        assert (tried.returncode, done.returncode) == (0, 0)
        assert "nothing was changed" in tried.stdout
        assert listed.stdout == f"{SUPPORT}  kestrel\n"
        for text in (tried.stdout, done.stdout):
            level = next(line for line in text.splitlines() if 'at the level "Normal"' in line)
            assert f"#{number}" in level
            assert "until staff set another severity: Critical, High, Medium, Low" in level
            assert 'state "map"' in text
        assert after.returncode != 0
        assert f"#{number} is Normal, which the policy does not have any more" in after.stderr
