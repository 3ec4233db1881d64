"""The commands that register mailboxes, companies, people and tokens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from gateway import clock
from storage.registry import api_tokens, lookup
from storage.registry.api_tokens import ApiToken
from tests.gateway.cli.command_line import (
    CommandLine,
    Output,
    command_line,
)
from tests.gateway.cli.planned import ANN, PLANNED, SAM, Planned
from tests.stores import SqliteStores


def test_a_company_is_added_listed_and_suspended(demo: CommandLine) -> None:
    added = demo.run("company", "add", "Umbra", "--domain", "umbra.example", "--domain", "u.test")
    assert added == Output(0, "Umbra is registered.\n", "")
    assert re.search(r"Umbra\s+u\.test umbra\.example\s+active", demo.run("company", "list").out)

    assert demo.run("company", "deactivate", "Umbra") == Output(0, "Umbra is suspended.\n", "")
    assert re.search(r"Umbra\s+.*suspended", demo.run("company", "list").out)


def test_a_user_is_added_listed_and_deactivated(demo: CommandLine) -> None:
    added = demo.run("user", "add", "Zoe@Acme.example", "--company", "Acme", "--name", "Zoe")
    assert added.code == 0
    assert re.search(r"zoe@acme\.example\s+Zoe\s+Acme\s+active", demo.run("user", "list").out)

    assert demo.run("user", "deactivate", "zoe@acme.example").code == 0
    assert re.search(r"zoe@acme\.example\s.*deactivated", demo.run("user", "list").out)


def test_staff_are_added_listed_and_deactivated(demo: CommandLine) -> None:
    assert demo.run("staff", "add", "tess@help.example", "--name", "Tess").code == 0
    assert re.search(r"tess@help\.example\s+Tess\s+active", demo.run("staff", "list").out)

    assert demo.run("staff", "deactivate", "tess@help.example").code == 0
    assert re.search(r"tess@help\.example\s.*deactivated", demo.run("staff", "list").out)


def test_a_user_cannot_be_deactivated_as_staff(demo: CommandLine) -> None:
    done = demo.run("staff", "deactivate", "ann@acme.example")

    assert done == Output(os.EX_DATAERR, "", "postern: no staff ann@acme.example\n")


def test_a_mailbox_is_added_listed_and_deactivated(demo: CommandLine) -> None:
    assert demo.run("mailbox", "add", "sales@help.example").code == 0
    assert "sales@help.example  default\n" in demo.run("mailbox", "list").out

    assert demo.run("mailbox", "deactivate", "sales@help.example").code == 0
    assert "sales@help.example" not in demo.run("mailbox", "list").out


def test_with_two_mailboxes_a_command_requires_one(demo: CommandLine) -> None:
    demo.run("mailbox", "add", "sales@help.example")

    done = demo.run("user", "list")

    assert done.code == os.EX_DATAERR
    assert "choose one with --mailbox: sales@help.example, support@help.example" in done.err
    assert demo.run("user", "list", "--mailbox", "sales@help.example").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("company add Acme", os.EX_DATAERR, "Acme is already registered"),
        ("company add New --domain gmail.com", os.EX_DATAERR, "gmail.com is a free mail provider"),
        ("company add New --domain \u0430cme.example", os.EX_DATAERR, "mixes scripts"),
        ("user add x@\u0430cme.example --company Acme --anywhere", os.EX_DATAERR, "mixes scripts"),
        ("staff add x@\u0430cme.example", os.EX_DATAERR, "mixes scripts"),
        ("company domain add Acme gmail.com", os.EX_DATAERR, "gmail.com is a free mail provider"),
        ("company domain add Acme \u0430cme.example", os.EX_DATAERR, "mixes scripts"),
        ("company domain add Acme globex.example", os.EX_DATAERR, "is already registered"),
        ("company domain add Nobody n.example", os.EX_DATAERR, "no company 'Nobody'"),
        ("company domain remove Acme globex.example", os.EX_DATAERR, "is not a domain of Acme"),
        ("company domain remove Acme @", os.EX_DATAERR, "expected one of: acme.example"),
        ("company deactivate Nobody", os.EX_DATAERR, "no company 'Nobody'"),
        ("user add x@acme.example --company Acne", os.EX_DATAERR, "expected one of: Acme, Globex"),
        ("user add ann@acme.example --company Acme", os.EX_DATAERR, "is already registered"),
        ("user add nowhere --company Acme", os.EX_DATAERR, "nowhere is not a valid email address"),
        ("user deactivate x@acme.example", os.EX_DATAERR, "no user x@acme.example"),
        ("mailbox add support@help.example", os.EX_DATAERR, "is already registered"),
        ("mailbox add a@b.example --policy defualt", os.EX_CONFIG, "did you mean default?"),
        ("mailbox policy support@help.example wekka", os.EX_CONFIG, "did you mean weka?"),
        ("mailbox policy nobody@help.example weka", os.EX_DATAERR, "no mailbox nobody@help"),
        ("token remove nobodys", os.EX_DATAERR, "no token 'nobodys'; expected one of: demo"),
        ("mailbox deactivate nobody@help.example", os.EX_DATAERR, "no mailbox nobody@help.example"),
        (
            "user list --mailbox no@help.example",
            os.EX_DATAERR,
            "expected one of: support@help.example",
        ),
    ],
)
def test_what_cannot_be_registered_is_named(
    demo: CommandLine, arguments: str, code: int, message: str
) -> None:
    done = demo.run(*arguments.split())

    assert done.code == code
    assert done.err.startswith("postern: ")
    assert message in done.err


def test_a_company_with_one_bad_domain_is_not_registered(demo: CommandLine) -> None:
    done = demo.run("company", "add", "Umbra", "--domain", "umbra.example", "--domain", "no domain")

    assert done.code == os.EX_DATAERR
    assert "Umbra" not in demo.run("company", "list").out


def test_a_company_gets_and_loses_a_domain(demo: CommandLine) -> None:
    added = demo.run("company", "domain", "add", "Acme", "Acme.test", "acme.org")
    assert added == Output(0, "Acme: domains acme.example acme.org acme.test\n", "")
    assert demo.run("user", "add", "zoe@acme.test", "--company", "Acme").code == 0

    removed = demo.run("company", "domain", "remove", "Acme", "ACME.test", "acme.org")

    assert removed == Output(0, "Acme: domains acme.example\n", "")
    assert demo.run("user", "add", "zed@acme.test", "--company", "Acme").code == os.EX_DATAERR
    assert re.search(r"zoe@acme\.test\s+.*active", demo.run("user", "list").out)


@pytest.mark.parametrize("change", [("add", "acme.org", "@"), ("remove", "acme.example", "no.org")])
def test_several_domains_with_a_bad_one_change_nothing(
    demo: CommandLine, change: tuple[str, ...]
) -> None:
    how, *domains = change

    assert demo.run("company", "domain", how, "Acme", *domains).code == os.EX_DATAERR

    assert re.search(r"Acme +acme\.example +active", demo.run("company", "list").out)


def test_a_token_is_printed_alone_on_its_line_and_works(demo: CommandLine) -> None:
    done = demo.run("token", "add", "monitoring")

    assert re.fullmatch(r"[\w-]{43}\n", done.out)
    with demo.opened() as database:
        found = database.read(lambda c: api_tokens.find_api_token(c, done.out.strip()))
    assert found == ApiToken("monitoring", "mails")


def test_a_token_that_could_not_be_printed_is_not_kept(demo: CommandLine) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "token", "add", "lost", "-c", str(demo.config)],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )

    assert (done.returncode, b"it was removed again" in done.stderr) == (os.EX_IOERR, True)
    assert "lost" not in demo.run("token", "list").out


def test_no_token_is_made_for_a_closed_output(demo: CommandLine) -> None:
    add = shlex.join([sys.executable, "-m", "gateway", "token", "add", "lost", "-c"])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{add} {shlex.quote(str(demo.config))} >&-"],
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )

    assert (done.returncode, b"none was made" in done.stderr) == (os.EX_IOERR, True)
    assert "lost" not in demo.run("token", "list").out


def test_a_token_is_listed_and_revoked(demo: CommandLine) -> None:
    token = demo.run("token", "add", "portal", "--scope", "portal").out.strip()
    assert re.search(r"^portal +portal +20\d\d-", demo.run("token", "list").out, re.MULTILINE)

    assert demo.run("token", "remove", "portal") == Output(0, "1 removed.\n", "")

    assert "portal" not in demo.run("token", "list").out
    with demo.opened() as database:
        assert database.read(lambda c: api_tokens.find_api_token(c, token)) is None


def test_a_mailbox_gets_another_policy(demo: CommandLine) -> None:
    done = "Mail for support@help.example is taken under the policy weka.\n"

    assert demo.run("mailbox", "policy", "support@help.example", "weka") == Output(0, done, "")

    assert demo.run("mailbox", "list").out == "support@help.example  weka\n"


def test_a_file_of_users_is_imported(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text(
        "\ufeffAddress;Company;Name;Machine\r\n"
        "zoe@acme.example;Acme;Zoë;\r\n"
        "\r\n"
        "robot@globex.example;Globex;;yes\r\n",
        encoding="utf-8",
    )

    assert demo.run("users", "import", str(file)) == Output(0, "2 users registered.\n", "")
    listed = demo.run("user", "list").out
    assert re.search(r"zoe@acme\.example\s+Zoë\s+Acme", listed)
    assert "robot@globex.example" in listed


def test_a_file_with_one_bad_row_imports_nothing(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("address,company\nzoe@acme.example,Acme\nyan@acme.example,Acne\n")

    done = demo.run("users", "import", str(file))

    assert (
        done.err == f"postern: {file}: line 3: no company 'Acne'; expected one of: Acme, Globex\n"
    )
    assert "zoe@acme.example" not in demo.run("user", "list").out
    assert done.code == os.EX_DATAERR


def test_a_file_of_registered_users_is_refused(demo: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("address,company\nann@acme.example,Acme\n")

    done = demo.run("users", "import", str(file))

    assert done.err == f"postern: {file}: line 2: ann@acme.example is already registered\n"
    assert done.code == os.EX_DATAERR


def test_a_person_gets_notices_in_their_language(planned: Planned) -> None:
    assert planned.run("user", "language", ANN, "de", "--mailbox", PLANNED).code == 0
    assert planned.run("staff", "language", SAM, "de", "--mailbox", PLANNED).code == 0

    found = planned.read(lambda c: lookup.people(c, planned.mailbox(), [ANN, SAM], clock.now())())

    assert {person.language for person in found.values()} == {"de"}


def test_an_unknown_language_is_refused(planned: Planned) -> None:
    done = planned.run("user", "language", ANN, "tlh", "--mailbox", PLANNED)

    assert done == Output(
        os.EX_DATAERR, "", "postern: no notices in 'tlh'; expected one of: de, en\n"
    )


@pytest.mark.parametrize("scopes", [["portal"], ["staff", "held", "outbox", "registry"]])
def test_a_token_is_made_for_some_scopes(planned: Planned, scopes: list[str]) -> None:
    options = [option for scope in scopes for option in ("--scope", scope)]
    token = planned.run("token", "add", "screen", *options).out.strip()

    found = planned.read(lambda c: api_tokens.find_api_token(c, token))

    assert found == ApiToken("screen", " ".join(scopes))


def test_a_token_of_a_portal_has_no_other_scope(planned: Planned) -> None:
    done = planned.run("token", "add", "screen", "--scope", "portal", "--scope", "registry")

    assert (done.code, "it can have no other scope" in done.err) == (os.EX_USAGE, True)


def test_an_unknown_scope_lists_the_known_ones(planned: Planned) -> None:
    done = planned.run("token", "add", "screen", "--scope", "everything")

    assert done.code != 0
    assert "portal" in done.err


def test_a_mailbox_whose_policy_is_gone_is_not_activated(
    tmp_path: Path, sqlite_stores: SqliteStores
) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    line = command_line(tmp_path, sqlite_stores.new(), f'[policies]\nfolder = "{folder}"\n')
    assert line.run("init", "--demo").code == 0
    shipped = resources.files("rules.policy.presets").joinpath("default.toml").read_text("utf-8")
    own = folder / "own.toml"
    own.write_text(shipped.replace('\nname = "default"', '\nname = "own"'))
    assert line.run("mailbox", "add", "old@help.example", "--policy", "own").code == 0
    assert line.run("mailbox", "deactivate", "old@help.example").code == 0
    own.unlink()

    refused = line.run("mailbox", "activate", "old@help.example")

    assert refused.code != 0
    assert "no policy 'own'" in refused.err
    assert "old@help.example" not in line.run("mailbox", "list").out
