"""Commands that show tickets, and that change them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.text import Text

from gateway import clock, policies
from gateway.cli.common import (
    ConfigOption,
    account,
    console,
    fail,
    failing_well,
    load_config,
    read,
    write,
)
from gateway.cli.mails import clean
from gateway.policies import Policies
from gateway.ticket_requests import TicketPatch
from rules.mail import Mailbox
from rules.mail.addresses import normalise
from rules.ticket.changes import Change
from rules.ticket.lifecycle import Status
from rules.validation.messages import explain
from storage.db.database import Connection
from storage.registry import lookup
from storage.ticket import changes
from storage.ticket.changes import ChangeRefused
from storage.ticket.read import (
    AuditEntry,
    CommentView,
    TicketSummary,
    TicketView,
    mailbox_of,
    newest,
    ticket_view,
)
from storage.ticket.write import ChangeContext, Source

app = typer.Typer()

NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1)]
LinesOption = Annotated[int, typer.Option("--lines", "-n", min=1, help="How many at most.")]
StatusOption = Annotated[str | None, typer.Option(help="Only tickets of this status.")]
AddressesOption = Annotated[list[str] | None, typer.Option(metavar="ADDRESS")]
NewStatusOption = Annotated[Status | None, typer.Option(help="Its new status.")]
SeverityOption = Annotated[str | None, typer.Option(help="Any level of the policy.")]
WorkaroundOption = Annotated[
    bool, typer.Option("--workaround", help="One level lower: there is a way around it.")
]
WhyOption = Annotated[str, typer.Option(help="For the audit trail and the customer.")]
AssignOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Of a staff person; '' for nobody.")
]
SayOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Publish a comment; needs --as.")
]
NoteOption = Annotated[str | None, typer.Option(metavar="TEXT", help="For staff only.")]
PublishOption = Annotated[
    int | None, typer.Option(metavar="COMMENT", help="Accept a flagged comment.")
]
EscalateOption = Annotated[
    str | None, typer.Option(metavar="REASON", help="One level up; the severity stays.")
]
MergeOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Close it in favour of another.")
]
DeleteOption = Annotated[
    bool, typer.Option("--delete", help="Leave a tombstone: no mail brings it back.")
]
AsOption = Annotated[
    str | None, typer.Option("--as", metavar="ADDRESS", help="The staff person who acts.")
]


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    lines: LinesOption = 20,
    status: StatusOption = None,
    config: ConfigOption = None,
) -> None:
    if context.invoked_subcommand is None:
        listing(lines, status, config)


@app.command("list", help="List the tickets that changed last.")
def listing(
    lines: LinesOption = 20, status: StatusOption = None, config: ConfigOption = None
) -> None:
    for summary in read(config, lambda connection: newest(connection, lines, status)):
        console.print(_line(summary))


@app.command("show", help="Show one ticket with all that is on it.")
def one(number: NumberArgument, config: ConfigOption = None) -> None:
    whole = read(config, lambda connection: ticket_view(connection, number))
    if whole is None:
        fail(os.EX_DATAERR, f"no ticket #{number}; `postern tickets` lists the last ones")
    console.print(_line(whole.summary))
    for name, value in _facts(whole):
        console.print(Text(f"  {name:<10}{clean(value)}", style="dim"))
    for member in whole.members:
        shown = "" if member.presence == "active" else f", {member.presence}"
        console.print(Text(f"  {member.part:<10}{clean(member.address)}{shown}", style="dim"))
    for said in whole.comments:
        _comment(said)
    if whole.history:
        console.print(Text("\nhistory", style="bold"))
    for audited in whole.history:
        console.print(Text(f"  {_audited(audited)}", style="dim"))


@app.command("set", help="Change a ticket: all that is named, or nothing where one part is wrong.")
def change(
    number: NumberArgument,
    status: NewStatusOption = None,
    severity: SeverityOption = None,
    workaround: WorkaroundOption = False,
    why: WhyOption = "",
    assign: AssignOption = None,
    add: AddressesOption = None,
    remove: AddressesOption = None,
    approve: AddressesOption = None,
    decline: AddressesOption = None,
    say: SayOption = None,
    note: NoteOption = None,
    publish: PublishOption = None,
    escalate: EscalateOption = None,
    merge_into: MergeOption = None,
    delete: DeleteOption = False,
    acting_as: AsOption = None,
    config: ConfigOption = None,
) -> None:
    if say is not None and note is not None:
        fail(os.EX_USAGE, "--say and --note: write one of them at a time")
    if say is not None and acting_as is None:
        fail(os.EX_USAGE, "--say: customers read who wrote it; name him with --as ADDRESS")
    asked = _asked(
        add=add or (),
        remove=remove or (),
        approve=approve or (),
        decline=decline or (),
        assignee=assign,
        severity=severity,
        workaround=workaround,
        comment=_comment_of(say, note),
        publish=publish,
        escalate=escalate,
        status=status,
        merge_into=merge_into,
        delete=delete,
        why=why,
    )
    with failing_well():
        known = policies.load(load_config(config).policies.folder)
    job = partial(_make, number, asked.changes(), acting_as, known)
    for effect in write(config, job):
        console.print(effect, markup=False)


def _comment_of(say: str | None, note: str | None) -> dict[str, str] | None:
    if say is not None:
        return {"text": say, "visibility": "public"}
    return {"text": note, "visibility": "note"} if note is not None else None


def _asked(**values: object) -> TicketPatch:
    try:
        return TicketPatch.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        said = explain(fault, TicketPatch) if fault["loc"] else fault["msg"]
        fail(os.EX_USAGE, said.removeprefix("Value error, "))


def _make(
    number: int,
    wanted: tuple[Change, ...],
    acting_as: str | None,
    known: Policies,
    connection: Connection,
) -> tuple[str, ...]:
    mailbox = mailbox_of(connection, number)
    if mailbox is None:
        raise ChangeRefused(f"there is no ticket #{number}; `postern tickets` lists the last ones")
    policy = policies.named(known, mailbox.policy, f"mailbox {mailbox.address}")
    actor = _actor(connection, mailbox, acting_as)
    hand = ChangeContext(mailbox, actor, Source.CONSOLE, clock.now(), clock.new_id)
    return changes.make(connection, hand, number, wanted, policy, by_staff=True)


def _actor(connection: Connection, mailbox: Mailbox, acting_as: str | None) -> str:
    """The staff person who is named, else the account that types."""
    if acting_as is None:
        return f"console:{account()}"
    staff = [person.address for person in lookup.staff(connection, mailbox)()]
    address = normalise(acting_as)
    if address not in staff:
        known = ", ".join(staff) or "none"
        raise ChangeRefused(f"{acting_as} is no active staff person; there are: {known}")
    return str(address)


def _line(summary: TicketSummary) -> Text:
    line = Text(f"#{summary.number:<7}", style="bold")
    line.append(f"{summary.status:<9}", style="not bold")
    line.append(f"{clean(summary.severity):<10}", style="not bold yellow")
    line.append(f"{clean(summary.requester)}  ", style="not bold")
    return line.append(clean(summary.subject), style="not bold italic")


def _facts(whole: TicketView) -> Iterator[tuple[str, str]]:
    summary, details = whole.summary, whole.details
    found = (
        ("deleted", "yes" if details.deleted else ""),
        ("claimed", summary.severity_claimed),
        ("mentions", f"#{summary.mentions}" if summary.mentions else ""),
        ("follows", f"#{details.follows}" if details.follows else ""),
        ("merged", f"into #{summary.merged_into}" if summary.merged_into else ""),
        ("company", summary.company),
        ("tier", details.tier),
        ("channel", details.channel),
        ("assignee", summary.assignee),
        ("due", _moment(summary.due_at)),
        ("answered", _moment(details.first_answered_at)),
        ("escalated", f"to level {details.escalation_level}" if details.escalation_level else ""),
        ("missing", ", ".join(details.missing)),
        ("rating", details.rating),
        *details.fields.items(),
    )
    return ((name, value) for name, value in found if value)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment is not None else ""


def _audited(audited: AuditEntry) -> str:
    change = f"{audited.was} → {audited.became}" if audited.was else audited.became
    why = f" ({audited.why})" if audited.why else ""
    by = f"{audited.actor or 'postern'} by {audited.source.replace('_', ' ')}"
    return clean(f"{audited.at:%Y-%m-%d %H:%M}  {audited.what}: {change}{why}  {by}")


def _comment(said: CommentView) -> None:
    console.print()
    kind = "" if said.visibility == "public" else f"  [{said.visibility}]"
    head = f"{said.written_at:%Y-%m-%d %H:%M}  {clean(said.author or '(no author)')}{kind}"
    console.print(Text(head, style="bold").append(f"  comment {said.id}", style="not bold dim"))
    if said.degraded:
        why = f"The body could not be read ({clean(said.degraded)}); the raw mail is kept."
        console.print(Text(why, style="yellow"))
    if said.charset_guessed:
        why = "Its character set is guessed, so a letter may be wrong; the raw mail is kept."
        console.print(Text(why, style="yellow"))
    for line in said.text.splitlines():
        console.print(Text(f"  {clean(line.expandtabs())}"))
    for attached in said.attachments:
        size = f"{attached.content_type}, {attached.size_bytes} octets"
        console.print(Text(f"  + {clean(attached.name)}  {size}", style="cyan"))
