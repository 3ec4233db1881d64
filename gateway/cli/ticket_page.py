"""The command that shows one ticket, with its comments and history."""

from __future__ import annotations

import os
from pathlib import Path

from rich.text import Text

from gateway import policies
from gateway.cli.common import ConfigOption, fail, load_config, read
from gateway.cli.terminal import console, escape
from gateway.cli.ticket_facts import facts_of
from gateway.cli.ticket_options import NumberArgument
from gateway.cli.tickets import line_of
from rules.identity import TOKEN_ALONE, is_unproven
from rules.mail.extent import is_shown_in_part, shown_part
from rules.policy import Policy
from rules.ticket.changes import Source
from rules.validation.messages import InvalidFile
from storage.ticket.read import mailbox_of, ticket_view
from storage.ticket.views import AuditView, CommentView


def show(number: NumberArgument, config: ConfigOption = None) -> None:
    ticket = read(config, lambda connection: ticket_view(connection, number))
    if ticket is None:
        fail(os.EX_DATAERR, f"no ticket #{number}; `postern tickets` lists the last ones")
    console.print(line_of(ticket.summary))
    policy = _policy_of(config, number)
    for label, value in facts_of(ticket, policy):
        console.print(Text(f"  {escape(label):<10}{escape(value)}", style="dim"))
    for member in ticket.members:
        presence = "" if member.presence == "active" else f", {member.presence}"
        presence += ", receives no email: it bounces" if member.suspended else ""
        console.print(Text(f"  {member.part:<10}{escape(member.address)}{presence}", style="dim"))
    for comment in ticket.comments:
        _print_comment(comment)
    if ticket.history:
        console.print(Text("\nhistory", style="bold"))
    for entry in ticket.history:
        console.print(Text(f"  {_history_line(entry)}", style="dim"))


def _policy_of(config: Path | None, number: int) -> Policy | None:
    """The policy of a ticket; None where a file is broken: the ticket is shown all the same."""
    here = read(config, lambda connection: mailbox_of(connection, number))
    try:
        known = policies.load(load_config(config).policies.folder)
    except InvalidFile:
        return None
    return known.get(here.policy) if here is not None else None


def _history_line(entry: AuditView) -> str:
    reason = f" ({entry.reason})" if entry.reason else ""
    door = "link" if entry.source == Source.WEB else entry.source.replace("_", " ")
    mail = f" {entry.journal_id}" if entry.journal_id is not None else ""
    by = f"{entry.actor or 'postern'} by {door}{mail}"
    return escape(f"{entry.at:%Y-%m-%d %H:%M}  {entry.text}{reason}  {by}")


def _proof(comment: CommentView) -> str:
    if not is_unproven(comment.proof):
        return comment.proof
    return "unproven, only the reply address" if comment.proof == TOKEN_ALONE else "unproven"


def _print_comment(comment: CommentView) -> None:
    console.print()
    kind = "" if comment.visibility == "public" else f"  [{comment.visibility}]"
    author = escape(comment.author or "(no author)")
    heading = Text(f"{comment.written_at:%Y-%m-%d %H:%M}  {author}{kind}", style="bold")
    console.print(heading.append(f"  comment {comment.id}", style="not bold dim"))
    if comment.proof:
        style = "bold red" if is_unproven(comment.proof) else "dim"
        console.print(Text(f"  proof: {escape(_proof(comment))}", style=style))
    if comment.degraded:
        if comment.degraded.startswith("body not kept"):
            warning = f"{escape(comment.degraded).capitalize()}."
        else:
            why = escape(comment.degraded)
            warning = f"The body could not be read ({why}); the raw mail is stored."
        console.print(Text(warning, style="yellow"))
    if comment.charset_guessed:
        warning = "The character set is guessed, so some letters may be wrong"
        console.print(Text(f"{warning}; the raw mail is stored.", style="yellow"))
    if comment.text_left_out:
        left_out = "(the later comments have as much text as is shown; the raw mail is stored)"
        console.print(Text(f"  {left_out}", style="dim"))
    if comment.subject:
        console.print(Text(f"  subject: {escape(comment.subject)}"))
    for line in shown_part(comment.text).splitlines():
        console.print(Text(f"  {escape(line.expandtabs())}"))
    if is_shown_in_part(comment.text):
        console.print(Text("  (shortened; the raw mail is stored)", style="dim"))
    for attachment in comment.attachments:
        size = f"{attachment.content_type}, {attachment.size_bytes} octets"
        console.print(Text(escape(f"  + {attachment.name}  {size}"), style="cyan"))
    if comment.files_left_out:
        console.print(Text("  + more files; the raw mail is stored", style="cyan"))
