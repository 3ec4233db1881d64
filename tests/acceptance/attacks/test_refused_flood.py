"""What is refused takes no room: a network has only so many rows in the journal for it."""

from __future__ import annotations

import json
import smtplib
import threading
import urllib.request
from pathlib import Path

from tests.acceptance.internet import EVE, a_mail, running_target
from tests.acceptance.support_server import SUPPORT
from tests.stores import SqliteStores

ROWS, MAILS_OF_ONE, CLIENTS = 50, 25, 4


def test_a_flood_to_be_refused_has_only_so_many_journal_rows(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    terms = {"network_refused": str(ROWS)}
    with running_target(
        tmp_path, sqlite_stores.new(), limits="refusal_s = 0.01", **terms
    ) as target:
        replies: list[tuple[int, bytes]] = []

        def flood(host: int) -> None:
            with smtplib.SMTP(
                *target.postern.smtp, timeout=30, source_address=(f"127.0.7.{host}", 0)
            ) as client:
                for n in range(MAILS_OF_ONE):
                    client.ehlo("h" * 240)
                    client.mail(EVE)
                    client.rcpt(SUPPORT)
                    replies.append(client.data(a_mail(EVE)))
                    if n % 10 == 9:
                        client.quit()
                        client.connect(*target.postern.smtp)

        clients = [threading.Thread(target=flood, args=(1 + n,)) for n in range(CLIENTS)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()

        assert len(replies) == CLIENTS * MAILS_OF_ONE
        assert {code for code, _ in replies} == {550}
        assert len(set(replies)) == 1
        assert len(target.journal()) == ROWS
        more = len(replies) - ROWS
        shown = target.postern.run("refusals", "--json").stdout.splitlines()
        hours = [json.loads(line) for line in shown]
        assert {hour["network"] for hour in hours} == {"127.0.7.0/24"}
        assert sum(hour["counted"] for hour in hours) == more
        last_line = target.postern.run("tail").stdout.splitlines()[-1]
        assert "from 127.0.7.0/24 refused or deferred without a line of their own" in last_line
        with urllib.request.urlopen(f"{target.postern.http}/metrics", timeout=10) as metrics:
            assert f"postern_mails_counted_total {more}.0" in metrics.read().decode()
        events = [json.loads(target.postern.log.get(timeout=10)) for _ in range(ROWS + 1)]
        assert [e["network"] for e in events if e["event"] == "refusals_counted"] == [
            "127.0.7.0/24"
        ]
