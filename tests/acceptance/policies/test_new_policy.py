"""A support lead makes a policy of his own by the steps of docs/policies.md, and it works."""

from __future__ import annotations

import email
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
from storage.registry import companies, mailboxes, people
from storage.registry.people import NewPerson
from tests.acceptance.desk import eventually, filed
from tests.acceptance.policies.desk import a_mail, words
from tests.running import Postern, postern, serving
from tests.stores import SqliteStores

Said = CompletedProcess[str]

FILE = Path("policies") / "kestrel.toml"
PHONE = "Is a map down for everybody? Call +43 1 555 0100 now."
EDITS = {
    'title = "Careful defaults for any support team"': 'title = "Kestrel Maps"',
    'ceiling = "High"': 'ceiling = "Normal"',
    '"Please report critical problems by phone or in the portal, 24 hours a day."': f'"{PHONE}"',
    '"We have your request and will reply as soon as we can."': '"Kestrel has your request."',
}
MORE = r"""
[[severity.claims]]
pattern = '\bmaps? (?:is|are) down\b'
level = "Critical"

[[completeness.facts]]
name = "map"
ask = "Which map is it?"
patterns = ['\bmap (?:number )?\d{1,9}']
"""
ANN, BOB = "ann@acme.example", "bob@acme.example"
OUTAGE = a_mail(ANN, "All our maps are down!")


@dataclass(frozen=True)
class Walk:
    """What each step said, and the server at the end."""

    folder: Path
    made: Said
    made_twice: Said
    misspelt: Said
    correct: Said
    explained: Said
    checked: Said
    running: Postern

    def acknowledgement(self, raw: bytes, sender: str) -> str:
        """Of a mail that opens a ticket."""
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
                return words(mail)
        return None


def enrol(connection: Connection) -> None:
    """Ann and Bob of Acme, the first two users."""
    mailbox = mailboxes.mailbox_named(connection, None)
    companies.add_company(connection, mailbox, "Acme", ["acme.example"])
    for address in (ANN, BOB):
        people.add_person(connection, mailbox, NewPerson(address, "", Role.USER, "Acme"))


@contextmanager
def opened_ledger(store: str) -> Iterator[Ledger]:
    database = Database(store, connections=2)
    ledger = open_ledger(database)
    try:
        yield ledger
    finally:
        ledger.close()
        database.close()


@pytest.fixture(scope="module")
def walk(sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder, store = tmp_path_factory.mktemp("kestrel"), sqlite_stores.new()
    config = folder / "postern.toml"
    config.write_text(
        '[smtp]\nlisten = "127.0.0.1:0"\n[http]\nlisten = "127.0.0.1:0"\n'
        f'[store]\nurl = "{store}"\n[relay]\nmaildir = "outbox"\n'
    )
    begin = ("policy", "new", "kestrel", "--from", "default", "--folder", "policies")
    with chdir(folder):
        made, made_twice = postern(*begin), postern(*begin)
        text = FILE.read_text()
        for was, becomes in EDITS.items():
            assert text.count(was) == 1, was
            text = text.replace(was, becomes)
        FILE.write_text(text.replace("ceiling =", "cieling =") + MORE)
        misspelt = postern("policy", "validate", str(FILE))
        FILE.write_text(text + MORE)
        correct = postern("policy", "validate", str(FILE))
        config.write_text(config.read_text() + '[policies]\nfolder = "policies"\n')
        explained = postern("policy", "explain", "kestrel")
        for command in ("init", "mailbox add support@help.example --policy kestrel"):
            done = postern(*command.split())
            assert done.returncode == 0, done.stderr
        with opened_ledger(store) as ledger:
            ledger.submit(enrol).result()
        Path("mail.eml").write_bytes(OUTAGE)
        checked = postern("check", "mail.eml", "--rcpt", "support@help.example")
        with serving(config) as running:
            yield Walk(folder, made, made_twice, misspelt, correct, explained, checked, running)


def test_new_writes_a_copy_and_says_what_to_do_next(walk: Walk) -> None:
    assert (walk.made.returncode, (walk.folder / FILE).exists()) == (0, True)
    assert "postern policy validate policies/kestrel.toml" in walk.made.stdout
    assert "postern mailbox add support@help.example --policy kestrel" in walk.made.stdout


def test_new_overwrites_nothing(walk: Walk) -> None:
    assert walk.made_twice.returncode == 65
    assert "already exists; nothing was written" in walk.made_twice.stderr


def test_a_mistake_is_named_with_what_to_do_about_it(walk: Walk) -> None:
    assert walk.misspelt.returncode == 78
    assert "unknown setting: severity.cieling (did you mean ceiling?)" in walk.misspelt.stderr


def test_the_corrected_file_holds(walk: Walk) -> None:
    assert (walk.correct.returncode, walk.correct.stderr) == (0, "")
    assert "the policy kestrel is valid" in walk.correct.stdout


def test_explain_reads_the_new_rules_back(walk: Walk) -> None:
    said = " ".join(walk.explained.stdout.split())

    assert walk.explained.returncode == 0, walk.explained.stderr
    for rule in ("Kestrel Maps", PHONE, "Which map is it?"):
        assert rule in said


def test_check_says_what_would_become_of_a_mail_under_it(walk: Walk) -> None:
    said = " ".join(walk.checked.stdout.split())

    assert walk.checked.returncode == 0, walk.checked.stderr
    assert "claims Critical in the text: opens at Normal" in said


def test_a_mail_is_answered_by_the_new_rules(walk: Walk) -> None:
    answered = walk.acknowledgement(OUTAGE, ANN)

    assert answered.startswith(PHONE)
    assert "Kestrel has your request." in answered
    assert "severity is Normal; you asked for Critical" in answered
    assert "Which map is it?" in answered


def test_so_is_one_that_says_all_that_is_asked(walk: Walk) -> None:
    raw = a_mail(BOB, "Map number 4711 has a wrong label.")

    assert "Which map is it?" not in walk.acknowledgement(raw, BOB)
