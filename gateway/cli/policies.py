"""Commands on policy files: list, show, explain, validate and create one, and back-test it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway import clock, policies
from gateway.cli import backtest
from gateway.cli.common import ConfigOption, exit_on_error, fail, load_config
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import console, say
from gateway.policies import PolicyFile
from rules.mail import Mailbox
from rules.policy import PolicyRefused
from rules.policy.explain import as_text, chapters_of
from rules.validation.messages import InvalidFile
from storage.db.database import Connection, Database, NotUpgraded, store_down
from storage.registry.mailboxes import list_mailboxes

app = typer.Typer(no_args_is_help=True)

WIDEST = 100
"""Columns of an explanation at most."""
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")]


@app.command("list", help="List the policies, and the mailboxes that use each.")
def list_policies(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    files = _files(config)
    mailboxes = _mailboxes(config)
    used = {
        name: [mailbox.address for mailbox in mailboxes or () if mailbox.policy == name]
        for name in sorted(files)
    }
    if as_json:
        print_json_lines(
            {
                "name": name,
                "title": files[name].policy.title,
                "from": files[name].source,
                "mailboxes": used_by if mailboxes is not None else None,
            }
            for name, used_by in used.items()
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("policy", "title", "from", "mailboxes"):
        table.add_column(heading, overflow="fold")
    for name, used_by in used.items():
        file = files[name]
        table.add_row(*map(Text, (name, file.policy.title, file.source, " ".join(used_by))))
    console.print(table)
    if mailboxes is None:
        say("No store answers, so no mailbox is shown; `postern init` creates the store.")


@app.command("show", help="Print a policy's file.")
def show(name: NameArgument, config: ConfigOption = None) -> None:
    console.print(Text(_file_of(name, config).text.rstrip("\n")))


@app.command("explain", help="Describe a whole policy, or the policy of a file, in plain English.")
def explain(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="The policy's name, or a file (.toml).")
    ],
    config: ConfigOption = None,
) -> None:
    if name.endswith(".toml") or os.sep in name:
        with exit_on_error():
            policy = policies.read(Path(name)).policy
    else:
        policy = _file_of(name, config).policy
    text = as_text(chapters_of(policy), min(console.width, WIDEST))
    console.print(Text(text))


@app.command("validate", help="Check policy files; the mail server need not run.")
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")], config: ConfigOption = None
) -> None:
    faults: list[str] = []
    read = {path: _read(path) for path in files}
    given = [each for each in read.values() if isinstance(each, PolicyFile)]
    for path, file in read.items():
        if isinstance(file, PolicyRefused):
            faults.append(str(file))
            continue
        try:
            notes = _check_store(file, given, config)
        except InvalidFile as error:
            faults.append(str(error))
            continue
        console.print(Text(f"{path}: the policy {file.policy.name} is valid."))
        if reminder := _placeholder_reminder(file):
            console.print(Text(f"{path}: {reminder}"))
        for note in notes:
            console.print(Text(f"{path}: {note}"))
    if faults:
        fail(os.EX_CONFIG, "\n".join(faults))


@app.command("new", help="Create a policy of your own, as a copy of another.")
def new(
    name: NameArgument,
    model: Annotated[str, typer.Option("--from", help="The policy to copy.")] = "default",
    folder: Annotated[
        Path | None, typer.Option(help="The folder of the new file. Default: policies.folder.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    original = _file_of(model, config)
    with exit_on_error():
        configured = load_config(config).policies.folder
    target = folder or configured
    if target is None:
        fail(os.EX_USAGE, "policies.folder is not set; add --folder, such as --folder policies")
    path = target / f"{name}.toml"
    if name in _files(config):
        fail(os.EX_DATAERR, f"the policy {name} already exists; choose another name")
    with exit_on_error():
        copy = policies.copied(original, name, str(path))
    try:
        target.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(copy.text)
    except FileExistsError:
        fail(os.EX_DATAERR, f"{path} already exists; nothing was written")
    except OSError as error:
        fail(os.EX_CANTCREAT, f"{path} cannot be written: {error}")
    is_configured = configured is not None and configured.resolve() == target.resolve()
    console.print(Text(_next_steps(copy, model, path, folder_is_configured=is_configured)))


app.command("backtest", help="Show how a policy would have decided the mails of the last weeks.")(
    backtest.run
)


def _next_steps(copy: PolicyFile, model: str, path: Path, *, folder_is_configured: bool) -> str:
    steps = [f"Change {path} as you like, the title first.", f"postern policy validate {path}"]
    if reminder := _placeholder_reminder(copy):
        steps[0] += f" {reminder}"
    if folder_is_configured:
        steps.append("postern reload, on each machine with a running server")
    else:
        folder = path.parent.resolve()
        steps.append(f'Write into postern.toml:  [policies]  and below it  folder = "{folder}"')
        steps.append("Restart `postern serve`: it reads its configuration when it starts.")
    steps.append(
        f"postern mailbox add support@help.example --policy {copy.policy.name}\n"
        f"     (for an existing mailbox: postern mailbox policy ADDRESS {copy.policy.name})"
    )
    numbered = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join([f"{path} is written, a copy of {model}. What to do next:", *numbered])


def _placeholder_reminder(file: PolicyFile) -> str:
    """Which lines still hold the shipped placeholders; empty for none."""
    lines = policies.placeholder_lines(file.text)
    if not lines:
        return ""
    numbers = ", ".join(map(str, lines))
    return f"Replace the placeholders marked '# change me': line{'s' * (len(lines) > 1)} {numbers}."


def _files(config: Path | None) -> dict[str, PolicyFile]:
    with exit_on_error():
        return policies.find(load_config(config).policies.folder)


def _file_of(name: str, config: Path | None) -> PolicyFile:
    files = _files(config)
    with exit_on_error():
        policies.named({each: files[each].policy for each in files}, name, "policies")
    return files[name]


def _read(path: Path) -> PolicyFile | PolicyRefused:
    try:
        return policies.read(path)
    except PolicyRefused as refused:
        return refused


def _check_store(file: PolicyFile, given: Sequence[PolicyFile], config: Path | None) -> list[str]:
    """Check a policy against the mailboxes that use it and their tickets, where a store answers;
    returns what their open tickets have that it does not, and what addresses several mailboxes
    have by it and the others: those that are given with it, and else those of the folder."""

    def query(connection: Connection) -> list[str]:
        found = []
        for mailbox in list_mailboxes(connection, inactive_too=True):
            if mailbox.policy == file.policy.name:
                policies.check_tickets(connection, mailbox, file.policy, file.source)
                now = clock.now()
                policies.check_contracts(connection, mailbox, file.policy, file.source, now)
                left = policies.left_by(connection, mailbox, file.policy)
                found += [f"{mailbox.address}: {orphan}" for orphan in left]
        in_force, refused = policies.find_valid(settings.policies.folder)
        changed = {each.policy.name: each.policy for each in (*given, file)}
        shared = policies.shared_addresses({**in_force, **changed}, connection)
        found += [str(each) for each in shared if file.policy.name in each.policies]
        return found + [
            f"its aliases and lists are not compared with those of {path}, which is not valid"
            for path in refused
        ]

    try:
        settings = load_config(config)
    except InvalidFile:
        if config is not None:
            raise
        return []
    database = Database(settings.store.url, connections=1)
    try:
        database.check_version()
        return database.read(query)
    except store_down(NotUpgraded):
        return []
    finally:
        database.close()


def _mailboxes(config: Path | None) -> tuple[Mailbox, ...] | None:
    """The mailboxes of the store; None where no store answers."""
    with exit_on_error():
        database = Database(load_config(config).store.url, connections=1)
    try:
        database.check_version()
        return database.read(list_mailboxes)
    except store_down(NotUpgraded):
        return None
    finally:
        database.close()
