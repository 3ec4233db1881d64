"""What the forms of a ticket's page ask for: each is a request as the API takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import ValidationError

from gateway.ticket_requests import TicketPatch
from gateway.web.console.context import number_in, words_in
from gateway.web.console.words import Say
from gateway.web.pages.forms import Form
from rules.mail.invisible import is_visible
from rules.validation.messages import explain_first

Values = Mapping[str, object]

DELETE = "delete"
"""For operators."""


def _comment(visibility: str) -> Callable[[Form], Values]:
    def values(form: Form) -> Values:
        comment = {"text": form.get("text", ""), "visibility": visibility}
        then, to = form.get("then") or None, form.get("to") or None
        return {"comment": comment, "status": then, "assignee": to}

    return values


def _severity(form: Form) -> Values:
    why, is_public = form.get("why", ""), form.get("why_public") == "yes"
    return {"severity": form.get("level", ""), "why": why, "why_public": is_public}


def _publish(form: Form) -> Values:
    return {"publish": form.get("comment"), "publish_from": form.get("seen")}


def _publish_and_add(form: Form) -> Values:
    return {**_publish(form), "add": [form.get("address", "")]}


def _fields(form: Form) -> Values:
    """Those that have another value than the page showed: what nobody changed is not set again."""
    written = {name: value for name, value in form.items() if name.startswith(FIELD)}
    return {
        "fields": {
            name.removeprefix(FIELD): value
            for name, value in written.items()
            if value.strip() != form.get(f"{WAS}{name.removeprefix(FIELD)}", "")
        }
    }


def _merge(form: Form) -> Values:
    return {"merge_into": number_in(form.get("number", "").strip().removeprefix("#")) or None}


FIELD, WAS = "field.", "was."
"""Before the name of a field: its new value, and the one that the page showed."""

REQUESTS: Mapping[str, Callable[[Form], Values]] = MappingProxyType(
    {
        "reply": _comment("public"),
        "note": _comment("note"),
        "publish": _publish,
        "publish_and_add": _publish_and_add,
        "severity": _severity,
        "workaround": lambda form: {"workaround": True, "why": form.get("why", "")},
        "status": lambda form: {"status": form.get("status"), "why": form.get("why", "")},
        "snooze": lambda form: {"snooze": form.get("day", "") or form.get("until", "")},
        "wake": lambda _: {"snooze": "off"},
        "assign": lambda form: {"assignee": form.get("assignee", "")},
        "tag": lambda form: {"tag": words_in(form.get("tag", ""))},
        "untag": lambda form: {"untag": [form.get("tag", "")]},
        "add": lambda form: {"add": words_in(form.get("address", ""))},
        "remove": lambda form: {"remove": [form.get("address", "")]},
        "approve": lambda form: {"approve": [form.get("address", "")]},
        "decline": lambda form: {"decline": [form.get("address", "")]},
        "requester": lambda form: {"requester": form.get("address", "")},
        "follow": lambda _: {"follow": True},
        "unfollow": lambda _: {"follow": False},
        "complete": lambda form: {"complete": True, "why": form.get("why", "")},
        "fields": _fields,
        "escalate": lambda form: {"escalate": form.get("why", "")},
        "merge": _merge,
        "split": lambda form: {"split": form.get("comment")},
        DELETE: lambda form: {"delete": True, "why": form.get("why", "")},
    }
)
"""What the forms of the page ask for, as keys and values of the API."""

GUARDED = frozenset(
    (
        *("severity", "workaround", "status", "snooze", "wake", "assign", "remove", "requester"),
        *("complete", "fields", "escalate", "merge", "split", DELETE),
    )
)
"""Forms that replace a value, or cannot be taken back: they are for the ticket that the page
showed. The others only add something; what a reply answers is compared by itself."""
PUBLISHING = frozenset(("reply", "publish", "publish_and_add"))
"""Forms by which customers read something: they are for the readers that the page showed."""

NEEDED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "severity": ("why", "Please give the reason for the severity."),
        "escalate": ("why", "Please give the reason for the escalation."),
        DELETE: ("why", "Please give the reason for the deletion."),
        "tag": ("tag", "Please write a tag."),
        "add": ("address", "Please write the address of a person."),
        "requester": ("address", "Please write the address of a person."),
    }
)
"""What a form must have besides, and what is said where it is missing."""

KEYS = frozenset(text for _, text in NEEDED.values())


def patch_of(form: Form, say: Say) -> TicketPatch | str:
    """The request of a form; or why it is none, in the reader's language."""
    do = form.get("do", "")
    if do not in REQUESTS:
        return say("Please choose what is to be done.")
    needed, missing = NEEDED.get(do, ("do", ""))
    if not is_visible(form.get(needed, "")):
        return say(missing)
    values = REQUESTS[do](form)
    if do == "fields" and not values["fields"]:
        return say("No field has another value than before.")
    if do == "merge" and values["merge_into"] is None:
        return say("Please write the number of the other ticket.")
    try:
        return TicketPatch.model_validate(values)
    except ValidationError as error:
        return explain_first(error, TicketPatch)
