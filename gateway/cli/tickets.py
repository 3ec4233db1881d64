"""Commands that show tickets, and that change them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.text import Text

from gateway import clock, policies
from gateway.cli.common import (
    ConfigOption,
    account,
    exit_on_error,
    fail,
    load_config,
    read,
    write,
)
from gateway.cli.json_lines import JsonOption, print_json_lines
from gateway.cli.terminal import console, escape, say
from gateway.cli.ticket_facts import facts_of
from gateway.cli.ticket_options import (
    AddOption,
    ApproveOption,
    AsOption,
    AssignOption,
    CommentOption,
    CompleteOption,
    DeclineOption,
    DeleteOption,
    EscalateOption,
    FieldOption,
    FollowOption,
    LinesOption,
    MacroOption,
    MergeOption,
    NewStatusOption,
    NoteOption,
    NumberArgument,
    OfTagOption,
    PublishOption,
    RemoveOption,
    RequesterOption,
    SeverityOption,
    SnoozeOption,
    SplitOption,
    StatusOption,
    TagOption,
    UntagOption,
    WhyOption,
    WhyPublicOption,
    WorkaroundOption,
)
from gateway.policies import Policies
from gateway.ticket_requests import TicketPatch
from rules.decision.effects import ChangeRefused, Effects
from rules.identity import TOKEN_ALONE, is_unproven
from rules.mail import Mailbox
from rules.mail.addresses import normalise
from rules.mail.extent import is_shown_in_part, shown_part
from rules.policy import Policy
from rules.sentence import sentence
from rules.ticket.changes import Change, Source
from rules.ticket.tags import as_tag
from rules.validation.messages import InvalidFile, explain
from storage.db.database import Connection
from storage.registry import lookup
from storage.ticket.change import change_ticket
from storage.ticket.read import mailbox_of, newest, ticket_view
from storage.ticket.rows import ChangeContext
from storage.ticket.views import AuditView, CommentView, TicketSummary

app = typer.Typer()


@app.callback(invoke_without_command=True)
def list_by_default(
    context: typer.Context,
    lines: LinesOption = 20,
    status: StatusOption = None,
    tag: OfTagOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    if context.invoked_subcommand is None:
        list_tickets(lines, status, tag, as_json, config)


@app.command("list", help="List the tickets that changed last.")
def list_tickets(
    lines: LinesOption = 20,
    status: StatusOption = None,
    tag: OfTagOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    wanted = as_tag(tag) if tag is not None else None
    if tag is not None and wanted is None:
        fail(os.EX_USAGE, f"--tag {tag!r} is not a tag")
    found = read(config, lambda connection: newest(connection, lines, status, wanted))
    if as_json:
        print_json_lines(found)
        return
    for summary in found:
        console.print(_line(summary))


@app.command("show", help="Show one ticket with its comments and history.")
def show(number: NumberArgument, config: ConfigOption = None) -> None:
    ticket = read(config, lambda connection: ticket_view(connection, number))
    if ticket is None:
        fail(os.EX_DATAERR, f"no ticket #{number}; `postern tickets` lists the last ones")
    console.print(_line(ticket.summary))
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


@app.command("set", help="Change a ticket: everything that is named, or nothing after an error.")
def change(
    number: NumberArgument,
    status: NewStatusOption = None,
    severity: SeverityOption = None,
    workaround: WorkaroundOption = False,
    complete: CompleteOption = False,
    field: FieldOption = None,
    requester: RequesterOption = None,
    snooze: SnoozeOption = None,
    split: SplitOption = None,
    follow: FollowOption = None,
    tag: TagOption = None,
    untag: UntagOption = None,
    why: WhyOption = "",
    why_public: WhyPublicOption = False,
    assign: AssignOption = None,
    add: AddOption = None,
    remove: RemoveOption = None,
    approve: ApproveOption = None,
    decline: DeclineOption = None,
    comment: CommentOption = None,
    note: NoteOption = None,
    macro: MacroOption = None,
    publish: PublishOption = None,
    escalate: EscalateOption = None,
    merge_into: MergeOption = None,
    delete: DeleteOption = False,
    acting_as: AsOption = None,
    config: ConfigOption = None,
) -> None:
    if comment is not None and note is not None:
        fail(os.EX_USAGE, "--comment and --note cannot be combined; write one at a time")
    if comment is not None and acting_as is None:
        fail(os.EX_USAGE, "--comment needs --as ADDRESS: customers see the author of a comment")
    if macro is not None and acting_as is None:
        fail(os.EX_USAGE, "--macro needs --as ADDRESS: a saved reply may name its author")
    patch = _patch(
        add=add or (),
        remove=remove or (),
        approve=approve or (),
        decline=decline or (),
        assignee=assign,
        requester=requester,
        severity=severity,
        workaround=workaround,
        complete=complete,
        fields=_fields(field or ()),
        tag=tag or (),
        untag=untag or (),
        comment=_new_comment(comment, note, macro),
        publish=publish,
        escalate=escalate,
        status=status,
        snooze=snooze,
        split=split,
        follow=follow,
        merge_into=merge_into,
        delete=delete,
        why=why,
        why_public=why_public,
    )
    with exit_on_error():
        known = policies.load(load_config(config).policies.folder)
    job = partial(_apply, number, patch.changes(), acting_as, known)
    made = write(config, job)
    if isinstance(made, ChangeRefused):
        fail(os.EX_DATAERR, str(made.why))
    for done in made.done:
        say(str(done))


def _new_comment(comment: str | None, note: str | None, macro: str | None) -> dict[str, str] | None:
    """A saved reply without a text of its own is a public comment, as by mail."""
    if comment is None and note is None and macro is None:
        return None
    visibility = "note" if note is not None else "public"
    return {"text": comment or note or "", "visibility": visibility, "macro": macro or ""}


def _fields(written: Sequence[str]) -> dict[str, str]:
    """The values of `--field` options by name. Ends the command where one is malformed."""
    values: dict[str, str] = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            fail(os.EX_USAGE, f"--field {each!r}: write NAME=VALUE, such as project_id=blue-7")
        if name.strip() in values:
            fail(os.EX_USAGE, f"--field {name.strip()} is given more than once; write it once")
        values[name.strip()] = value
    return values


def _patch(**values: object) -> TicketPatch:
    """The patch of the options. Ends the command where they contradict each other."""
    try:
        return TicketPatch.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        message = explain(fault, TicketPatch) if fault["loc"] else fault["msg"]
        fail(os.EX_USAGE, message.removeprefix("Value error, "))


def _apply(
    number: int,
    wanted: tuple[Change, ...],
    acting_as: str | None,
    known: Policies,
    connection: Connection,
) -> Effects | ChangeRefused:
    """Change a ticket: all of the changes or none."""
    mailbox = mailbox_of(connection, number)
    if mailbox is None:
        return ChangeRefused(
            sentence(
                "there is no ticket #{ticket}; `postern tickets` lists the last ones",
                ticket=number,
            )
        )
    policy = policies.named(known, mailbox.policy, f"mailbox {mailbox.address}")
    actor = _actor(connection, mailbox, acting_as)
    if isinstance(actor, ChangeRefused):
        return actor
    context = ChangeContext(mailbox, actor, Source.CONSOLE, clock.now(), clock.new_id)
    return change_ticket(connection, context, number, wanted, policy, by_staff=True)


def _actor(connection: Connection, mailbox: Mailbox, acting_as: str | None) -> str | ChangeRefused:
    """The staff member who is named, else the account that runs the command."""
    if acting_as is None:
        return f"console:{account()}"
    staff = [person.address for person in lookup.staff(connection, mailbox)()]
    address = normalise(acting_as)
    if address not in staff:
        known = ", ".join(staff) or "(none registered)"
        return ChangeRefused(
            sentence(
                "{name} is not an active staff member; expected one of: {known}",
                name=acting_as,
                known=known,
            )
        )
    return str(address)


def _line(summary: TicketSummary) -> Text:
    line = Text(f"#{summary.number:<7}", style="bold")
    line.append(f"{summary.status:<9}", style="not bold")
    line.append(f"{escape(summary.severity):<10}", style="not bold yellow")
    line.append(f"{escape(summary.requester)}  ", style="not bold")
    return line.append(escape(summary.subject), style="not bold italic")


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
