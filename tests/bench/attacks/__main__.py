"""`python -m tests.bench.attacks`: an honest client's waits before and during each attack.

Exit code 1 if its p99 reached a second during an attack, or if one of its mails failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rules.people import Role
from rules.policy.conduct import BudgetsSection
from storage.db.database import Connection
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.acceptance import internet
from tests.acceptance.internet import GIL, Target, genuine_mail, running_target
from tests.acceptance.support_server import SUPPORT
from tests.bench.attacks.attackers import ATTACKS
from tests.bench.attacks.honest import (
    CONNECTIONS,
    PAUSE_S,
    HonestClient,
    SignedMail,
    Waits,
    slowest,
)
from tests.running import HIGH_LIMITS
from tests.stores import SqliteStores, postgres

GOAL_S = 1.0
BEFORE_S = 3.0
WARM_UP_S = 1.0
SHIPPED = BudgetsSection()
HONEST_DOMAINS = {
    "acme.example": "Acme",
    "globex.example": "Globex",
    "initech.example": "Initech",
    "umbrella.example": "Umbrella",
}
"""The domains of the honest client's people, with their companies."""
LINE_MAILS = 12
SHORT_LINES = 990_000


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.attacks", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each attack")
    parser.add_argument("--attacks", nargs="+", choices=list(ATTACKS), default=list(ATTACKS))
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a real disk")
    given = parser.parse_args(arguments)
    if most_mails(given) > SHIPPED.domain_mails_per_hour * len(HONEST_DOMAINS):
        parser.error("too long: the honest client would meet domain_mails_per_hour; see --seconds")
    return given


def most_mails(given: argparse.Namespace) -> int:
    """The most that the honest client can send in the whole run."""
    seconds: float = WARM_UP_S + len(given.attacks) * (BEFORE_S + given.seconds)
    return math.ceil(CONNECTIONS * seconds / PAUSE_S)


def main(arguments: Sequence[str] | None = None) -> int:
    given = options(arguments)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="postern-attacks-", dir=given.folder)
            )
        )
        url = stack.enter_context(_store(given.store, folder))
        if "lines" in given.attacks:
            _write_line_mails(folder)
        budgets = {name: str(getattr(SHIPPED, name)) for name in HIGH_LIMITS}
        target = stack.enter_context(running_target(folder, url, limits="", **budgets))
        people = honest_people(most_mails(given))
        target.write(partial(_enrol, people=people))
        return _measure(given, folder, target, people)


def honest_people(mails: int) -> list[NewPerson]:
    """So many that this number of mails, sent by one after the other, meets no limit as shipped:
    none is raised, so that the attackers meet all of them."""
    count = math.ceil(mails / SHIPPED.tickets_per_hour) + 1
    domains = itertools.islice(itertools.cycle(HONEST_DOMAINS.items()), count)
    return [
        NewPerson(f"honest-{number}@{domain}", "", Role.USER, company)
        for number, (domain, company) in enumerate(domains)
    ]


def _enrol(connection: Connection, people: Sequence[NewPerson]) -> None:
    mailbox = mailbox_named(connection, SUPPORT)
    for person in people:
        add_person(connection, mailbox, person)


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        (folder / "store").mkdir()
        yield SqliteStores(folder / "store").new()
        return
    with postgres(durable=True) as stores:
        yield stores.new()


def _measure(
    given: argparse.Namespace, folder: Path, target: Target, people: Sequence[NewPerson]
) -> int:
    client = HonestClient(target.postern.smtp, SUPPORT, _signed_mails(people))
    client.measure(WARM_UP_S)  # what is started at the first mail
    print(f"store {given.store}; each attack {given.seconds:.0f} s; waits p50 / p99 / max in ms")
    print("| attack | before | failed | during | failed | what the attackers did |")
    print("|---|---|---|---|---|---|", flush=True)
    during: list[Waits] = []
    for name in given.attacks:
        before = client.measure(BEFORE_S)
        waits, did = _under_attack(name, given.seconds, folder, target, client)
        during.append(waits)
        counts = ", ".join(f"{what} {count}" for what, count in sorted(did.items()))
        print(f"| {name}: {ATTACKS[name][0]} | {before} | {waits} | {counts} |", flush=True)
        for failure in dict.fromkeys([*before.failures, *waits.failures]):
            print(f"    {failure[:200]}", flush=True)
    failed = sum(len(waits.failures) for waits in during)
    print(
        f"highest p99 {1000 * slowest(during):.0f} ms (goal {1000 * GOAL_S:.0f}), {failed} failed"
    )
    return int(slowest(during) >= GOAL_S or failed > 0)


def _under_attack(
    name: str, seconds: float, folder: Path, target: Target, client: HonestClient
) -> tuple[Waits, dict[str, int]]:
    http_port = target.postern.http.rpartition(":")[2]
    ports = (str(target.postern.smtp[1]), http_port)
    attackers = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.bench.attacks.attackers"),
            *(name, *ports, str(seconds), str(folder)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        waits = client.measure(seconds)
        output, _ = attackers.communicate(timeout=30)
    finally:
        attackers.kill()
        attackers.wait()
    return waits, json.loads(output)


def _signed_mails(people: Sequence[NewPerson]) -> Iterator[SignedMail]:
    for person in itertools.cycle(people):
        yield SignedMail(person.address, genuine_mail(person.address))


def _write_line_mails(folder: Path) -> None:
    for number in range(LINE_MAILS):
        mail = internet.genuine_mail(GIL, text="a\r\n" * SHORT_LINES)
        (folder / f"lines-{number}.eml").write_bytes(mail)


if __name__ == "__main__":
    sys.exit(main())
