"""Every list for other programs: one JSON object a line."""

from __future__ import annotations

import json

from gateway.cli.commands import ENTRIES
from gateway.cli.listed import loaded
from tests.gateway.cli.command_line import ANNS_MAIL, CommandLine

LISTS = [each.name for each in ENTRIES if "list" in getattr(loaded(each), "commands", ())]
KEYS = {
    "company": {"name", "active", "domains"},
    "key": {"key", "since", "signs"},
    "mailbox": {"address", "policy"},
    "outbox": {"id", "kind", "state", "due_at", "cause"},
    "policy": {"name", "title", "from", "mailboxes"},
    "staff": {"address", "role", "active"},
    "tickets": {"number", "status", "tags", "due_at"},
    "token": {"name", "scope", "since"},
    "user": {"address", "company", "active"},
}
"""Of the lists that have something in the demo, some of the keys."""


def test_every_list_is_one_object_a_line(demo: CommandLine) -> None:
    demo.pipe(ANNS_MAIL, "ann@acme.example")

    for command in LISTS:
        printed = demo.run(command, "list", "--json")
        rows = [json.loads(line) for line in printed.out.splitlines()]
        assert (command, printed.code, printed.err) == (command, 0, "")
        assert bool(rows) == (command in KEYS), command
        for row in rows:
            assert set(row) >= KEYS.get(command, set()), command
    assert json.loads(demo.run("tickets", "--json").out)["number"] == 1
