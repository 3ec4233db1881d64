"""What somebody asks to be done to a ticket, over the API or on the command line, as one value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rules.ticket.changes import (
    AddPerson,
    Assign,
    Change,
    Delete,
    Escalate,
    Merge,
    Publish,
    RemovePerson,
    Say,
    SetSeverity,
    SetStatus,
    SettlePerson,
    Workaround,
)
from rules.ticket.lifecycle import Status
from rules.ticket.visibility import Visibility

LONGEST_TEXT = 100_000
LONGEST_LINE = 1_000
PEOPLE = 50
LARGEST_NUMBER = 2**63 - 1
"""A number beyond it is in no database."""

_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\t\n"}


def _without_controls(text: str) -> str:
    return text.replace("\r\n", "\n").translate(_CONTROLS)


def _one_line(text: str) -> str:
    return " ".join(_without_controls(text).split())


Line = Annotated[str, Field(max_length=LONGEST_LINE), AfterValidator(_one_line)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_without_controls)]
Number = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Addresses = Annotated[tuple[Line, ...], Field(max_length=PEOPLE)]


class _Model(BaseModel):
    """Closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Comment(_Model):
    text: Text
    visibility: Literal["public", "note"] = "public"


class TicketPatch(_Model):
    """Every key may be left out; what is left out stays as it is."""

    add: Addresses = ()
    remove: Addresses = ()
    approve: Addresses = ()
    """Proposed people who are taken in."""
    decline: Addresses = ()
    assignee: Line | None = None
    """A staff person's address; empty for nobody."""
    severity: Line | None = None
    workaround: bool = False
    comment: Comment | None = None
    publish: Number | None = None
    """A flagged comment."""
    escalate: Line | None = None
    """The reason."""
    status: Status | None = None
    merge_into: Number | None = None
    delete: bool = False
    why: Line = ""
    """For the audit trail: of a new status or severity, of a workaround, of a deletion."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.severity is not None and self.workaround:
            raise ValueError("severity and workaround both set the severity; give one of them")
        if not any(True for _ in self._each()):
            raise ValueError("nothing is asked for; name a change, such as status")
        return self

    def changes(self) -> tuple[Change, ...]:
        """The changes in the order in which they are made, whatever order they were asked in.

        People come first, so that those who are taken in get the words; words come before the
        status, so that an answer still meets its promise.
        """
        return tuple(self._each())

    def _each(self) -> Iterator[Change]:
        yield from (AddPerson(address) for address in self.add)
        yield from (RemovePerson(address) for address in self.remove)
        yield from (SettlePerson(address, take_in=True) for address in self.approve)
        yield from (SettlePerson(address, take_in=False) for address in self.decline)
        if self.assignee is not None:
            yield Assign(self.assignee)
        if self.severity is not None:
            yield SetSeverity(self.severity, self.why)
        if self.workaround:
            yield Workaround(self.why)
        if self.comment is not None:
            yield Say(self.comment.text, Visibility(self.comment.visibility))
        if self.publish is not None:
            yield Publish(self.publish)
        if self.escalate is not None:
            yield Escalate(self.escalate)
        if self.status is not None:
            yield SetStatus(self.status, self.why)
        if self.merge_into is not None:
            yield Merge(self.merge_into)
        if self.delete:
            yield Delete(self.why)


class NewTicket(_Model):
    """What is asked in a ticket that the API opens."""

    mailbox: Line = ""
    """Not needed where there is one only."""
    subject: Annotated[Line, Field(min_length=1)]
    text: Annotated[Text, Field(min_length=1)]
    severity: Line = ""
    requester: Line = ""
    """For staff: the user for whom the ticket is opened; himself where none is named."""
