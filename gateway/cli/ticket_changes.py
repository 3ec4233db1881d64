"""The command that changes a ticket."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from pydantic import ValidationError

from gateway import clock, policies
from gateway.cli.common import (
    ConfigOption,
    account,
    exit_on_error,
    fail,
    load_config,
    write,
)
from gateway.cli.terminal import say
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
    MacroOption,
    MergeOption,
    NewStatusOption,
    NoteOption,
    NumberArgument,
    PublishOption,
    RemoveOption,
    RequesterOption,
    SeverityOption,
    SnoozeOption,
    SplitOption,
    TagOption,
    UntagOption,
    WhyOption,
    WhyPublicOption,
    WorkaroundOption,
)
from gateway.policies import Policies
from gateway.ticket_requests import TicketPatch
from rules.decision.effects import ChangeRefused, Effects
from rules.mail import Mailbox
from rules.mail.addresses import normalise
from rules.sentence import sentence
from rules.ticket.changes import Change, Source
from rules.validation.messages import explain_first
from storage.db.database import Connection
from storage.registry import lookup
from storage.ticket.change import change_ticket
from storage.ticket.read import mailbox_of
from storage.ticket.rows import ChangeContext


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
        fail(os.EX_USAGE, explain_first(error, TicketPatch))


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
