"""Requests to open or change a ticket, from the API or the command line, each as one value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from rules.mail import NO_FILES, SentFiles
from rules.people import StaffNotices
from rules.ticket.changes import (
    AddPerson,
    AddTag,
    Assign,
    Assignee,
    Change,
    Complete,
    Delete,
    Escalate,
    Follow,
    Merge,
    PublishComment,
    RemovePerson,
    RemoveTag,
    SetAnySeverity,
    SetField,
    SetRequester,
    SetStatus,
    SettlePerson,
    Snooze,
    Split,
    Unfollow,
    Workaround,
    WriteComment,
)
from rules.ticket.lifecycle import Status
from rules.ticket.reasons import made_public
from rules.ticket.visibility import Visibility

LONGEST_TEXT = 100_000
LONGEST_LINE = 1_000
LONGEST_WHY = 500
MOST_ADDRESSES = 50
MOST_FIELDS = 50
MOST_RETRIED = 200
LONG_TEXT = 16 * 1024
"""Characters; the rules may read a longer text for tens of milliseconds."""
FEW_CHANGES = 10
LARGEST_NUMBER = 2**63 - 1
"""The largest number that the database can store."""

_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\t\n"}


def _without_controls(text: str) -> str:
    return text.replace("\r\n", "\n").translate(_CONTROLS)


def _one_line(text: str) -> str:
    return " ".join(_without_controls(text).split())


def _each_named_once(fields: Any) -> Any:
    """The fields as they were sent. ValueError for two spellings of one name: one value would be
    lost without a word."""
    named: dict[str, str] = {}
    for written in fields if isinstance(fields, dict) else ():
        first = named.setdefault(_one_line(str(written)).casefold(), str(written))
        if first != written:
            raise ValueError(f"{first!r} and {written!r} name the same field; send one of them")
    return fields


Line = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(_one_line)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_without_controls)]
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Addresses = Annotated[tuple[Line, ...], Field(max_length=MOST_ADDRESSES)]
FieldValues = Annotated[
    dict[Line, Line],
    Field(
        max_length=MOST_FIELDS,
        description='must be an object with names and values, such as {"project_id": "blue-7"}',
    ),
    BeforeValidator(_each_named_once),
]
"""Values of a ticket's fields by name."""


class RequestModel(BaseModel):
    """What a request asks for. Refuses unknown keys.

    What is true or false is a StrictBool: "no" or 0 in its place is a mistake in a program, which
    is named before anything is done.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )


class Comment(RequestModel):
    text: Text = ""
    visibility: Literal["public", "note"] = "public"
    macro: Line = ""
    """The name of a saved reply that goes before the text."""


class NoticesChoice(RequestModel):
    """Of which tickets a staff person is notified."""

    notices: StaffNotices


class NewSavedReply(RequestModel):
    """A saved reply of a mailbox."""

    text: Annotated[Text, Field(min_length=1)]
    language: Line = ""
    """For readers of this language; empty for all."""


class Release(RequestModel):
    """What staff state about a held mail that is filed."""

    as_new: StrictBool = False
    """It opens a new ticket, even if it refers to another."""
    onto: Number | None = None
    """The ticket that it goes onto, whatever it refers to."""
    author: Line | None = None
    """Its author, where From does not name exactly one."""
    enrol: StrictBool = False
    """Its author is registered with the company of their domain."""
    shown: Line | None = None
    """As the mail was read: it is filed only if a release still does the same with it."""
    why: Annotated[str, Field(max_length=LONGEST_WHY), AfterValidator(_one_line)] = ""
    """Why it is filed, for the audit trail of the ticket."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.as_new and self.onto is not None:
            raise ValueError("as_new and onto both say where the mail goes; use one of them")
        if self.enrol and self.author is not None:
            raise ValueError("enrol registers the author that the mail names; omit author")
        return self


class Retry(RequestModel):
    """Which outgoing mails are tried again: dead ones, and ones that wait for another attempt."""

    ids: Annotated[tuple[UUID, ...], Field(max_length=MOST_RETRIED)] = ()
    every: StrictBool = False
    """All that are dead, those that were withdrawn included."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if bool(self.ids) == self.every:
            raise ValueError('send either ids or "every": true')
        return self


class TicketPatch(RequestModel):
    """A change of a ticket; a key that is left out changes nothing."""

    add: Addresses = ()
    remove: Addresses = ()
    approve: Addresses = ()
    """Proposed participants to approve."""
    decline: Addresses = ()
    """Proposed participants to decline."""
    requester: Line | None = None
    """A registered user: the ticket is their request from now on."""
    assignee: Line | None = None
    """A staff member's address; empty for nobody."""
    severity: Line | None = None
    workaround: StrictBool = False
    """Lower the severity, since a workaround exists."""
    fields: FieldValues = {}
    """Fields to set; an empty value clears one."""
    tag: Addresses = ()
    """Tags to give."""
    untag: Addresses = ()
    comment: Comment | None = None
    publish: Number | None = None
    """The number of a flagged comment, or of a folded one."""
    publish_from: Literal["private", "folded"] | None = None
    """What the caller saw that comment as: nothing is done if it is something else now."""
    complete: StrictBool = False
    """Declare the request complete; by a customer, submit it where it waits for the portal."""
    escalate: Line | None = None
    """The reason for an escalation."""
    status: Status | None = None
    follow: StrictBool | None = None
    """Whether the staff person who asks follows the ticket."""
    split: Number | None = None
    """The number of a public comment: a new ticket is made out of it."""
    snooze: Line | None = None
    """Until when: `3d`, `4h`, `monday`, a date, a time with its zone, or `off`."""
    merge_into: Number | None = None
    delete: StrictBool = False
    why: Line = ""
    """The reason of a new status or severity, a workaround, a completion or a deletion, for the
    audit trail."""
    why_public: StrictBool = False
    """The customers on the ticket read the reason too."""
    version: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] | None = None
    """Of the ticket as a staff tool read it: nothing is done if it was changed since."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.severity is not None and self.workaround:
            raise ValueError("severity and workaround both change the severity; use one of them")
        if self.publish_from is not None and self.publish is None:
            raise ValueError("publish_from says what publish names; send publish as well")
        if self.why_public and not self.why:
            raise ValueError("why_public says who reads why; send why as well")
        if not any(True for _ in self._each()):
            raise ValueError("no change is named; name one, such as status")
        return self

    def changes(self, files: SentFiles = NO_FILES) -> tuple[Change, ...]:
        """The changes in the order of their execution, whatever the order of the request. The files
        are with the comment.

        Participants come first, so that approved people get the comment; the comment comes before
        the status, so that an answer still meets its target.
        """
        return tuple(self._each(files))

    @property
    def is_large(self) -> bool:
        """Whether to do it may take more than a few milliseconds: by what it has, or by what was
        written on the ticket before."""
        reads = (self.publish, self.split, self.merge_into, self.escalate)
        text = self.comment.text if self.comment is not None else ""
        many = len(tuple(self._each())) > FEW_CHANGES
        return many or len(text) > LONG_TEXT or any(each is not None for each in reads)

    @property
    def _reason(self) -> str:
        return made_public(self.why) if self.why_public else self.why

    def _each(self, files: SentFiles = NO_FILES) -> Iterator[Change]:
        yield from (AddPerson(address) for address in self.add)
        yield from (RemovePerson(address) for address in self.remove)
        yield from (SettlePerson(address, accept=True) for address in self.approve)
        yield from (SettlePerson(address, accept=False) for address in self.decline)
        if self.requester is not None:
            yield SetRequester(self.requester)
        if self.assignee is not None:
            yield Assign(self.assignee or Assignee.NOBODY)
        if self.severity is not None:
            yield SetAnySeverity(self.severity, self._reason)
        if self.workaround:
            yield Workaround(self._reason)
        yield from (RemoveTag(tag) for tag in self.untag)
        yield from (AddTag(tag) for tag in self.tag)
        yield from (SetField(name, value) for name, value in self.fields.items())
        if self.comment is not None:
            written = self.comment
            visibility = Visibility(written.visibility)
            yield WriteComment(written.text, visibility, written.macro, files)
        if self.publish is not None:
            seen = Visibility(self.publish_from) if self.publish_from is not None else None
            yield PublishComment(self.publish, seen)
        if self.complete:
            yield Complete(self.why)
        if self.escalate is not None:
            yield Escalate(self.escalate)
        if self.status is not None:
            yield SetStatus(self.status, self._reason)
        if self.snooze is not None:
            yield Snooze(self.snooze)
        if self.follow is not None:
            yield Follow() if self.follow else Unfollow()
        if self.split is not None:
            yield Split(self.split)
        if self.merge_into is not None:
            yield Merge(self.merge_into)
        if self.delete:
            yield Delete(self.why)


class NewTicket(RequestModel):
    """A ticket to open over the API."""

    mailbox: Line = ""
    """Its address; may be empty where there is only one."""
    subject: Annotated[Line, Field(min_length=1)]
    text: Annotated[Text, Field(min_length=1)]
    severity: Line = ""
    requester: Line = ""
    """For staff: the user for whom the ticket is opened; empty for the caller themselves."""
    cc: Addresses = ()
    """Further people, who get all comments."""
    fields: FieldValues = {}
    """Values of fields, besides those that the text gives."""

    @property
    def is_large(self) -> bool:
        """Whether to open it may take more than a few milliseconds."""
        return len(self.text) > LONG_TEXT or len(self.cc) + len(self.fields) > FEW_CHANGES
