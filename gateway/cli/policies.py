"""Commands on policy files: list, show, explain, check and begin one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway import policies
from gateway.cli import backtest
from gateway.cli.common import ConfigOption, console, fail, failing_well, load_config
from gateway.policies import PolicyFile
from rules.mail import Mailbox
from rules.policy.explain import as_text, explained
from rules.validation.messages import InvalidFile
from storage.db.database import Database, NotUpgraded, StoreDown
from storage.registry.mailboxes import list_mailboxes

policy = typer.Typer(no_args_is_help=True)

WIDEST = 100
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")]


@policy.command("list", help="List the policies, and the mailboxes that use each.")
def listing(config: ConfigOption = None) -> None:
    found = _found(config)
    mailboxes = _mailboxes(config)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("policy", "title", "from", "mailboxes"):
        table.add_column(head, overflow="fold")
    for name, each in sorted(found.items()):
        used_by = [mailbox.address for mailbox in mailboxes or () if mailbox.policy == name]
        table.add_row(*map(Text, (name, each.policy.title, each.source, " ".join(used_by))))
    console.print(table)
    if mailboxes is None:
        console.print("No store answers, so no mailbox is shown; `postern init` makes the store.")


@policy.command("show", help="Print a policy's file.")
def show(name: NameArgument, config: ConfigOption = None) -> None:
    console.print(Text(_one(name, config).text.rstrip("\n")))


@policy.command("explain", help="Say a whole policy in plain English.")
def explain(name: NameArgument, config: ConfigOption = None) -> None:
    words = as_text(explained(_one(name, config).policy), min(console.width, WIDEST))
    console.print(Text(words))


@policy.command("validate", help="Check policy files; the mail server need not run.")
def validate(files: Annotated[list[Path], typer.Argument(metavar="FILE...")]) -> None:
    faults: list[str] = []
    for file in files:
        try:
            found = policies.read(file)
        except InvalidFile as error:
            faults.append(str(error))
            continue
        console.print(Text(f"{file}: the policy {found.policy.name} holds."))
        if marks := _marks(found):
            console.print(Text(f"{file}: {marks}"))
    if faults:
        fail(os.EX_CONFIG, "\n".join(faults))


@policy.command("new", help="Begin a policy of your own, as a copy of another.")
def new(
    name: NameArgument,
    model: Annotated[str, typer.Option("--from", help="The policy to copy.")] = "default",
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to write it; policies.folder where none is named."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    original = _one(model, config)
    with failing_well():
        configured = load_config(config).policies.folder
    into = folder or configured
    if into is None:
        fail(os.EX_USAGE, "where to? Name a folder, such as --folder policies")
    path = into / f"{name}.toml"
    if name in _found(config):
        fail(os.EX_DATAERR, f"there is a policy {name} already; choose another name")
    with failing_well():
        made = policies.copied(original, name, str(path))
    try:
        into.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(made.text)
    except FileExistsError:
        fail(os.EX_DATAERR, f"{path} exists already; nothing was written")
    except OSError as error:
        fail(os.EX_CANTCREAT, f"{path} cannot be written: {error}")
    known = configured is not None and configured.resolve() == into.resolve()
    console.print(Text(_next_steps(made, model, path, into_known=known)))


policy.command("simulate", help="Say what would have become of the last mails under a policy.")(
    backtest.simulate
)


def _next_steps(made: PolicyFile, model: str, path: Path, *, into_known: bool) -> str:
    steps = [f"Change {path} as you like, the title first.", f"postern policy validate {path}"]
    if marks := _marks(made):
        steps[0] += f" {marks}"
    if not into_known:
        folder = path.parent.resolve()
        steps.append(f'Write into postern.toml:  [policies]  and below it  folder = "{folder}"')
    steps.append("Start `postern serve` again: it reads the policies when it starts.")
    steps.append(
        f"postern mailbox add support@help.example --policy {made.policy.name}\n"
        f"     (one that is there already: postern mailbox policy ADDRESS {made.policy.name})"
    )
    numbered = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join([f"{path} is written, a copy of {model}. What to do next:", *numbered])


def _marks(found: PolicyFile) -> str:
    lines = policies.unchanged_marks(found.text)
    if not lines:
        return ""
    listed = ", ".join(map(str, lines))
    return f"Put in your own where it says '# change me': line{'s' * (len(lines) > 1)} {listed}."


def _found(config: Path | None) -> dict[str, PolicyFile]:
    with failing_well():
        return policies.find(load_config(config).policies.folder)


def _one(name: str, config: Path | None) -> PolicyFile:
    found = _found(config)
    with failing_well():
        policies.named({each: found[each].policy for each in found}, name, "policies")
    return found[name]


def _mailboxes(config: Path | None) -> tuple[Mailbox, ...] | None:
    """The mailboxes of the store; None where there is no store that answers."""
    with failing_well():
        database = Database(load_config(config).store.url, connections=1)
    try:
        database.check_version()
        return database.read(list_mailboxes)
    except (NotUpgraded, *StoreDown):
        return None
    finally:
        database.close()
