"""What the forms of a ticket's page ask for: each is a request as the API takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import ValidationError

from gateway.ticket_requests import TicketPatch
from gateway.web.console.words import Say
from gateway.web.pages.forms import Form
from rules.validation.messages import explain

Values = Mapping[str, object]


def _comment(visibility: str) -> Callable[[Form], Values]:
    def values(form: Form) -> Values:
        comment = {"text": form.get("text", ""), "visibility": visibility}
        return {"comment": comment, "status": form.get("then") or None}

    return values


def _severity(form: Form) -> Values:
    why, is_public = form.get("why", ""), form.get("why_public") == "yes"
    return {"severity": form.get("level", ""), "why": why, "why_public": is_public}


def _publish(form: Form) -> Values:
    return {"publish": form.get("comment"), "publish_from": form.get("seen")}


REQUESTS: Mapping[str, Callable[[Form], Values]] = MappingProxyType(
    {
        "reply": _comment("public"),
        "note": _comment("note"),
        "publish": _publish,
        "severity": _severity,
        "status": lambda form: {"status": form.get("status"), "why": form.get("why", "")},
        "assign": lambda form: {"assignee": form.get("assignee", "")},
        "tag": lambda form: {"tag": form.get("tag", "").replace(",", " ").split()},
        "untag": lambda form: {"untag": [form.get("tag", "")]},
        "approve": lambda form: {"approve": [form.get("address", "")]},
        "decline": lambda form: {"decline": [form.get("address", "")]},
        "follow": lambda _: {"follow": True},
        "unfollow": lambda _: {"follow": False},
        "complete": lambda form: {"complete": True, "why": form.get("why", "")},
    }
)
"""What the forms of the page ask for, as keys and values of the API."""


def patch_of(form: Form, say: Say) -> TicketPatch | str:
    """The request of a form; or why it is none, in the reader's language."""
    values = REQUESTS.get(form.get("do", ""))
    if values is None:
        return say("Please choose what is to be done.")
    if form.get("do") == "severity" and not form.get("why", "").strip():
        return say("Please give the reason for the severity.")
    try:
        return TicketPatch.model_validate(values(form))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        message = explain(fault, TicketPatch) if fault["loc"] else fault["msg"]
        return message.removeprefix("Value error, ")
