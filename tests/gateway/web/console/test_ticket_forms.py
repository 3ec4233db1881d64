"""What the forms of a ticket's page do besides answering, and when they do nothing."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from gateway import clock
from rules.mail import Delivery
from rules.service.console_roles import ConsoleRole
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Source
from storage.db.tables import MailboxRow, table
from storage.registry import saved_replies
from storage.ticket import read
from storage.ticket.views import TicketView
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.console.test_pages_in_browser import envelope_of
from tests.gateway.web.link_pages import ANN, EVE, SAM
from tests.gateway.web.shown_forms import filled_in
from tests.gateway.web.stuck_writers import stuck_writers
from tests.in_process import a_mail

ONE = "/console/tickets/1"
NEW = "new@elsewhere.example"


async def ticket(desk: Desk, number: int) -> TicketView:
    found = await desk.site.write(lambda c: read.ticket_view(c, number))
    assert found is not None
    return found


def version_on(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


async def test_people_are_added_and_removed_and_what_cannot_be_stays_in_the_form(
    desk: Desk,
) -> None:
    agent = await desk.logged_in()

    wrong = await agent.send(ONE, do="add", address=f"{NEW} nonsense")
    added = await agent.send(ONE, do="add", address=f"{NEW}, {EVE}")
    removed = await agent.send(ONE, do="remove", address=NEW)
    requester = await agent.send(ONE, do="remove", address=ANN)

    assert wrong[0] == 409
    assert "is not a valid email address" in wrong[1]
    assert f'value="{NEW} nonsense"' in wrong[1]
    assert (added, removed) == ((303, ONE), (303, ONE))
    assert f"{ANN} is the requester of #1 and cannot be removed" in requester[1]
    shown = await ticket(desk, 1)
    presence = {each.address: each.presence for each in shown.members}
    assert (presence[NEW], presence[EVE]) == ("removed", "active")
    assert {(each.actor, each.source) for each in shown.history} == {(SAM, Source.CONSOLE)}


async def test_a_form_of_an_older_page_does_nothing_and_keeps_what_was_written(desk: Desk) -> None:
    agent = await desk.logged_in()
    _, page = await agent.get(ONE)
    mine = {"do": "severity", "level": "High", "why": "they wait for wages"}
    await agent.send(ONE, do="tag", tag="paper")

    note = {"do": "note", "text": "They called.", "then": "closed", "version": version_on(page)}
    noted = await agent.send(ONE, **note)
    status, refused = await agent.send(ONE, **mine, version=version_on(page))
    before = await ticket(desk, 1)
    again = await agent.send(ONE, **mine, version=version_on(refused))

    assert status == 409
    assert "the ticket has changed since you opened the page" in refused
    assert 'value="they wait for wages"' in refused
    assert "<option selected>High</option>" in refused
    assert before.summary.severity != "High"
    assert (noted[0], "They called.</textarea>" in noted[1]) == (409, True)
    assert '<option value="closed" selected>' in noted[1]
    assert (before.comments, before.summary.status) == ((), "resolved")
    assert again == (303, ONE)
    assert (await ticket(desk, 1)).summary.severity == "High"


async def test_fields_snoozes_escalations_splits_merges_and_deletions(desk: Desk) -> None:
    aiven = update(table(MailboxRow)).values(policy="aiven")
    await desk.site.write(lambda c: c.execute(aiven))
    for subject in ("Paper", "Ink"):
        raw = a_mail(ANN, subject, "It is empty.\n\nReason: question")
        await desk.site.services.ingest.take(Delivery(envelope_of(ANN), raw))
    two = "/console/tickets/2"
    agent = await desk.logged_in()
    fields = {"do": "fields", "field.product": "MySQL", "was.product": "", "was.reason": "Question"}

    _, page = await agent.get(two)
    wrong = await agent.send(two, **fields, **{"field.reason": "Rage"})
    unchanged = await agent.send(two, do="fields", **{"was.reason": "x", "field.reason": "x"})
    for form in (
        fields | {"field.reason": "Billing"},
        {"do": "snooze", "until": "3d", "day": ""},
        {"do": "wake"},
        {"do": "escalate", "why": "nobody answers"},
        {"do": "split", "comment": str((await ticket(desk, 2)).comments[0].id)},
    ):
        assert (await agent.send(two, **form))[0] == 303, form
    found = await ticket(desk, 2)
    assert (await agent.send(two, do="merge", number="#3"))[0] == 303
    _, merged = await agent.get(two)
    forbidden = await agent.send("/console/tickets/3", do="delete", why="a test")
    operator = await desk.logged_in(ConsoleRole.OPERATOR)
    without = await operator.send("/console/tickets/3", "/console/tickets/3/deletion", why=" ")
    gone = await operator.send("/console/tickets/3", "/console/tickets/3/deletion", why="a test")

    assert "<option selected>Question</option>" in page
    assert wrong[0] == unchanged[0] == 409
    assert "is not one of its values; expected one of: Problem, Question" in wrong[1]
    assert 'value="MySQL"' in wrong[1]
    assert "No field has another value than before." in unchanged[1]
    assert (found.details.fields["product"], found.details.fields["reason"]) == ("MySQL", "Billing")
    expected = [
        *(AuditEvent.FIELD_CHANGED, AuditEvent.FIELD_CHANGED, AuditEvent.SNOOZED),
        *(AuditEvent.SNOOZE_ENDED, AuditEvent.ESCALATED, AuditEvent.SPLIT_INTO),
    ]
    done = [each for each in found.history if each.source == Source.CONSOLE]
    assert [each.event for each in done] == expected
    assert {each.actor for each in done} == {SAM}
    assert (await ticket(desk, 4)).details.split_from == 2
    assert 'name="do" value="assign"' not in merged
    assert "Please choose what is to be done." in forbidden[1]
    assert "Please give the reason for the deletion." in without[1]
    assert gone == (303, "/console/tickets")
    assert (await operator.get("/console/tickets/3"))[0] == 404
    assert (await ticket(desk, 3)).history[-1].reason == "a test"


async def test_a_saved_reply_is_put_before_the_text_and_nothing_is_changed(desk: Desk) -> None:
    await desk.site.write(
        lambda c: saved_replies.set_reply(
            c, desk.site.mailbox, "hello", "", "Hello {name}, {ticket}:", by=SAM, now=clock.now()
        )
    )
    agent = await desk.logged_in()
    before = await ticket(desk, 1)

    status, page = await agent.send(ONE, do="insert", macro="hello", text="Use <b>.", then="closed")
    missing, why = await agent.send(ONE, do="insert", macro="bye", text="Use water.")

    assert status == 200
    assert "Hello Ann, #1:\n\nUse &lt;b&gt;.</textarea>" in page
    assert '<option value="closed" selected>' in page
    assert (missing, "there is no saved reply bye" in why) == (409, True)
    assert "Use water.</textarea>" in why
    assert await ticket(desk, 1) == before


async def test_a_form_that_may_still_be_done_says_so_and_is_done_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = await desk.logged_in()
    _, page = await agent.get(ONE)
    form = filled_in(page, {"do": "note", "text": "Call her."})
    with stuck_writers(monkeypatch, desk.site.services.runtime):
        status, said = await agent.post(ONE, **form)

    again, _ = await agent.post(ONE, **form)

    assert (status, again) == (503, 303)
    assert "it is not known whether this was done" in said
    assert await desk.site.notes() == ["Call her."]
