"""The options of the commands that show and change tickets."""

from __future__ import annotations

from typing import Annotated

import typer

from rules.ticket.lifecycle import Status

NumberArgument = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, help="The ticket's number.")
]
LinesOption = Annotated[
    int, typer.Option("--lines", "-n", min=1, help="The number of tickets to show.")
]
StatusOption = Annotated[Status | None, typer.Option(help="Show only tickets of this status.")]

NewStatusOption = Annotated[Status | None, typer.Option(help="Set the status.")]
SeverityOption = Annotated[
    str | None, typer.Option(help="Set the severity, to any level of the policy.")
]
WorkaroundOption = Annotated[
    bool, typer.Option("--workaround", help="Lower the severity: a workaround exists.")
]
CompleteOption = Annotated[
    bool, typer.Option("--complete", help="Declare the request complete: its clock begins.")
]
FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="Set a field; NAME= clears it."),
]
RequesterOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Make a registered user the requester.")
]
FollowOption = Annotated[
    bool | None,
    typer.Option("--follow/--unfollow", help="Whether the staff member of --as is notified of it."),
]
SplitOption = Annotated[
    int | None, typer.Option(metavar="COMMENT", help="Make a new ticket out of a public comment.")
]
SnoozeOption = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Set aside: 3d, 4h, monday, 2026-12-01, off.")
]
TagOption = Annotated[list[str] | None, typer.Option(metavar="TAG", help="Give a tag.")]
UntagOption = Annotated[list[str] | None, typer.Option(metavar="TAG", help="Take a tag away.")]
OfTagOption = Annotated[
    str | None, typer.Option("--tag", metavar="TAG", help="Show only tickets with this tag.")
]
WhyOption = Annotated[
    str, typer.Option(help="Give a reason, for the audit trail; see --why-public.")
]
WhyPublicOption = Annotated[
    bool, typer.Option("--why-public", help="The customers on the ticket read the reason too.")
]
AssignOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Assign a staff member; '' for nobody.")
]
AddOption = Annotated[list[str] | None, typer.Option(metavar="ADDRESS", help="Add a participant.")]
RemoveOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="Remove a participant.")
]
ApproveOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="Approve a proposed participant.")
]
DeclineOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="Decline a proposed participant.")
]
CommentOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Write a public comment; needs --as.")
]
MacroOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Put a saved reply before the comment or note; needs --as."),
]
NoteOption = Annotated[str | None, typer.Option(metavar="TEXT", help="Write a note for staff.")]
PublishOption = Annotated[
    int | None, typer.Option(metavar="COMMENT", help="Publish a flagged comment.")
]
EscalateOption = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Escalate by one level; the severity stays."),
]
MergeOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Close the ticket in favour of another.")
]
DeleteOption = Annotated[
    bool, typer.Option("--delete", help="Delete the ticket; later mail does not restore it.")
]
AsOption = Annotated[
    str | None, typer.Option("--as", metavar="ADDRESS", help="The staff member who acts.")
]
