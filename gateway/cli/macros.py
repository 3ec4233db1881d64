"""Commands on the saved replies of a mailbox, which `#macro NAME` sends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway import clock
from gateway.cli.common import ConfigOption, MailboxOption, account, fail, read, write
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import console, escape, say
from rules.ticket.saved_replies import wanted_name
from rules.validation.messages import suggestion
from storage.registry import saved_replies
from storage.registry.mailboxes import mailbox_named

app = typer.Typer(no_args_is_help=True)

MacroArgument = Annotated[str, typer.Argument(metavar="NAME")]
FileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="Read the text from a file.")
]
ReplyLanguageOption = Annotated[
    str, typer.Option("--language", help="For readers of this language alone.")
]


@app.command("list", help="List the saved replies with their texts.")
def list_macros(
    mailbox: MailboxOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    saved = read(config, lambda c: saved_replies.list_replies(c, mailbox_named(c, mailbox)))
    if as_json:
        print_json_lines(saved)
        return
    for each in saved:
        line = Text(f"{escape(each.name):<20}", style="bold")
        line.append(f"{each.language or 'all':<4}", style="not bold")
        console.print(line.append(escape(each.text.replace("\n", " "))[:100], style="not bold"))


@app.command("show", help="Show a saved reply, in each language that it is saved in.")
def show_macro(
    name: MacroArgument, mailbox: MailboxOption = None, config: ConfigOption = None
) -> None:
    known = read(config, lambda c: saved_replies.list_replies(c, mailbox_named(c, mailbox)))
    wanted = wanted_name(name)
    shown = [each for each in known if each.name == wanted]
    if not shown:
        names = sorted({each.name for each in known})
        hint = suggestion(wanted, names) or "`postern macros list` lists them"
        fail(os.EX_DATAERR, f"there is no saved reply {name} ({hint})")
    for each in shown:
        console.print(Text(f"{escape(each.name)}  {each.language or 'all'}", style="bold"))
        for line in each.text.splitlines():
            console.print(Text(f"  {escape(line.expandtabs())}"))


@app.command("set", help="Save a reply; {name} {ticket} {company} {me} are filled when it is sent.")
def set_macro(
    name: MacroArgument,
    text: Annotated[str | None, typer.Argument(metavar="TEXT")] = None,
    file: FileOption = None,
    language: ReplyLanguageOption = "",
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    if (text is None) is (file is None):
        fail(os.EX_USAGE, "name either TEXT or --file FILE")
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(os.EX_NOINPUT, f"{file}: {error}")
    whole = text or ""
    saved = write(
        config,
        lambda c: saved_replies.set_reply(
            c,
            mailbox_named(c, mailbox),
            name,
            language,
            whole,
            by=f"console:{account()}",
            now=clock.now(),
        ),
    )
    say(f"Saved: #macro {saved.name} sends it.")


@app.command("remove", help="Remove a saved reply, in one language or in all.")
def remove_macro(
    name: MacroArgument,
    language: Annotated[
        str | None, typer.Option("--language", help="In this language alone; '' for all readers.")
    ] = None,
    mailbox: MailboxOption = None,
    config: ConfigOption = None,
) -> None:
    write(
        config,
        lambda c: saved_replies.remove_reply(c, mailbox_named(c, mailbox), name, language),
    )
    say(f"Removed {name}.")
