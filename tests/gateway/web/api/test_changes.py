"""Changes to a ticket: all or nothing, in a fixed order, and who may make them."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Literal

import pytest

from gateway import clock
from gateway.policies import PolicyBook
from rules.people import Role
from rules.sender.tokens import Purpose, ReplyToken, reply_address
from rules.ticket.notices import NoticeKind
from storage.notices import suppression
from storage.registry import mailboxes, people
from storage.registry.people import NewPerson
from storage.registry.signing_keys import load_keys
from tests.gateway.web.api.site import ANN, BOB, GIL, PLANNED, SAM, SHARED, Site
from tests.in_process import SUPPORT, a_mail


async def test_the_parts_of_a_change_are_made_in_a_fixed_order(either: Site) -> None:
    number = await either.mailed()

    effects = await either.effects(
        number,
        status="pending",
        comment={"text": "Which printer?"},
        severity="high",
        assignee=SAM,
        add=[BOB],
    )

    assert effects == [
        f"{BOB} is now on #{number}",
        f"#{number} is assigned to {SAM}",
        f"#{number} is now High",
        f"comment added to #{number} (public)",
        f"#{number} is now pending",
    ]


async def test_who_assigns_a_ticket_to_an_address_that_is_suppressed_is_told_so(
    site: Site,
) -> None:
    number = await site.open(ANN)
    support = await site.read(partial(mailboxes.mailbox_named, address=SUPPORT))
    bounce = partial(suppression.record_hard_failure, mailbox=support.id, address=SAM, why="550")
    for _ in range(2):
        await site.write(partial(bounce, now=clock.now()))

    assigned = await site.effects(number, assignee=SAM)
    nobody = await site.effects(number, assignee="")

    assert assigned == [
        f"#{number} is assigned to {SAM}",
        f"no mail about it is sent to {SAM}: the address is suppressed, mail bounced",
    ]
    assert nobody == [f"#{number} is assigned to nobody"]


async def test_a_change_with_one_invalid_part_changes_nothing(either: Site) -> None:
    number = await either.open(ANN)
    before = await either.ticket_view(number)

    status, body = await either.change(
        number, severity="high", comment={"text": "Soon."}, merge_into=4711
    )

    assert (status, body["detail"]) == (409, "there is no ticket #4711")
    assert await either.ticket_view(number) == before


async def test_a_change_that_names_an_older_version_of_the_ticket_changes_nothing(
    site: Site,
) -> None:
    number = await site.open(ANN)
    _, read = await site.get(f"/{number}", SAM)
    await site.effects(number, tag=["paper"])

    status, refused = await site.change(number, status="closed", version=read["version"])
    _, again = await site.get(f"/{number}", SAM)
    done, _ = await site.change(number, status="closed", version=again["version"])

    assert (status, done) == (409, 200)
    assert "has changed since its version" in refused["detail"]
    assert (again["status"], again["version"] > read["version"]) == ("open", True)


async def test_a_change_answers_with_the_ticket_as_it_is_now(site: Site) -> None:
    number = await site.open(ANN)

    _, body = await site.change(number, severity="high", why="it is worse")

    assert body["ticket"]["severity"] == "High"


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        ({"statuss": "open"}, "unknown key: statuss (did you mean status?)"),
        ({"status": "opne"}, "status: 'opne': "),
        ({"comment": "Hello"}, "comment must be a JSON object"),
        ({"comment": {"text": "x", "visibilty": "note"}}, "did you mean visibility?"),
        ({"publish": 0}, "publish: 0: "),
        ({"merge_into": 2**70}, "merge_into: "),
        ({"severity": "Low", "workaround": True}, "use one of them"),
        ({"fields": {"Area": "x", "area": "y"}}, "'Area' and 'area' name the same field"),
        ({}, "no change is named"),
        ([], "the body must be a JSON object"),
    ],
)
async def test_an_invalid_change_is_named(site: Site, requested: Any, message: str) -> None:
    number = await site.open(ANN)

    response = await site.ask("PATCH", f"/{number}", SAM, json=requested)

    assert response.status == 400
    assert message in (await response.json())["detail"]


@pytest.mark.parametrize(
    "assignee", [0, True, None, ["a"], {"a": 1}, "x" * 100_000], ids=lambda value: repr(value)[:20]
)
async def test_a_value_of_a_wrong_kind_gets_a_short_message(site: Site, assignee: Any) -> None:
    number = await site.mailed()
    status, body = await site.change(number, status="no such", assignee=assignee)
    assert status == 400
    assert body["detail"].startswith(("assignee: ", "status: "))
    assert len(body["detail"]) < 700


async def test_a_body_that_is_not_json_is_refused(site: Site) -> None:
    headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": SAM}

    response = await site.client.patch("/api/v1/tickets/1", headers=headers, data="status=open")

    body = await response.json()
    assert (response.status, body["detail"]) == (400, "the body is not valid JSON")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"status": "resolved", "status": "open"}', "status"),
        ('{"comment": {"text": "x", "visibility": "note", "visibility": "public"}}', "visibility"),
        ('{"why": "x", "st\\u0061tus": "resolved", "status": "open"}', "status"),
    ],
)
async def test_a_key_that_is_in_the_body_twice_is_refused(site: Site, body: str, key: str) -> None:
    number = await site.open()
    headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": SAM}

    answer = await site.client.patch(f"/api/v1/tickets/{number}", data=body, headers=headers)

    error = f"send {key} once; it is in the body twice"
    assert (answer.status, (await answer.json())["detail"]) == (400, error)


@pytest.mark.parametrize(
    "requested",
    [
        {"status": "pending"},
        {"assignee": SAM},
        {"remove": [BOB]},
        {"approve": [BOB]},
        {"decline": [BOB]},
        {"workaround": True},
        {"publish": 1},
        {"merge_into": 2},
        {"delete": True},
        {"comment": {"text": "Odd.", "visibility": "note"}},
    ],
    ids=lambda requested: "".join(requested),
)
async def test_customers_may_not_do_what_only_staff_may(
    site: Site, requested: dict[str, Any]
) -> None:
    number = await site.open(ANN)

    status, body = await site.change(number, ANN, **requested)

    assert (status, "staff" in body["detail"]) == (403, True)


async def test_who_was_removed_from_the_ticket_that_theirs_becomes_part_of_is_named(
    either: Site,
) -> None:
    """They stay removed, and read their own request no more: staff learn of it."""
    goal, theirs = await either.open(ANN), await either.open(BOB)
    await either.effects(goal, add=[BOB])
    await either.effects(goal, remove=[BOB])

    effects = await either.effects(theirs, merge_into=goal)

    assert effects == [
        f"#{theirs} is now part of #{goal}",
        f"{BOB} does not read #{goal}, since they were removed from it; add them if they are to",
    ]
    assert (await either.get(f"/{goal}", BOB))[0] == 404
    assert await either.effects(goal, add=[BOB])
    assert (await either.get(f"/{goal}", BOB))[0] == 200


async def test_by_a_merge_of_requests_of_staff_no_company_reads_what_another_wrote(
    site: Site,
) -> None:
    """They are of no company, no matter who was added to them."""
    of_acme, more = [await site.open(SAM, cc=[each]) for each in (ANN, BOB)]
    of_globex = await site.open(SAM, cc=[GIL])

    status, body = await site.change(of_acme, merge_into=of_globex)

    assert (status, ANN in body["detail"]) == (409, True), body
    assert (await site.get(f"/{of_globex}", ANN))[0] == 404
    assert await site.effects(more, merge_into=of_acme) == [f"#{more} is now part of #{of_acme}"]
    await site.effects(of_globex, add=[ANN, BOB])
    assert (await site.change(of_acme, merge_into=of_globex))[0] == 200


async def test_people_at_a_provider_of_free_mail_are_not_one_organisation(site: Site) -> None:
    """Anybody gets an address there."""
    ann, bob = "ann@gmail.com", "bob@gmail.com"
    of_ann, of_bob = [await site.open(SAM, cc=[each]) for each in (ann, bob)]
    more = await site.open(SAM, cc=[ann])

    status, body = await site.change(of_ann, merge_into=of_bob)

    assert (status, ann in body["detail"]) == (409, True), body
    assert await site.effects(more, merge_into=of_ann) == [f"#{more} is now part of #{of_ann}"]


async def test_who_stays_removed_from_a_request_of_staff_does_not_prevent_a_merge(
    site: Site,
) -> None:
    """They would not read it."""
    theirs, goal = [await site.open(SAM, cc=[each]) for each in (ANN, GIL)]
    await site.effects(goal, add=[ANN])
    await site.effects(goal, remove=[ANN])

    effects = await site.effects(theirs, merge_into=goal)

    assert effects == [
        f"#{theirs} is now part of #{goal}",
        f"{ANN} does not read #{goal}, since they were removed from it; add them if they are to",
    ]
    assert (await site.get(f"/{goal}", ANN))[0] == 404


async def test_an_open_ticket_is_not_merged_into_one_that_is_over(site: Site) -> None:
    over, number = await site.open(ANN), await site.open(ANN)
    await site.change(over, SAM, status="closed")

    status, body = await site.change(number, SAM, merge_into=over)

    assert status == 409
    assert body["detail"] == f"#{over} is closed; reopen it, or nobody sees #{number}"


async def test_a_customer_makes_their_ticket_critical_over_the_api(either: Site) -> None:
    number = await either.mailed()

    await either.effects(number, ANN, severity="critical", why="nobody can work")

    assert (await either.ticket_view(number)).summary.severity == "Critical"


async def test_a_customers_comment_reaches_staff_and_reopens_the_ticket(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, status="resolved")
    await site.notified(NoticeKind.NEW_COMMENT)

    await site.effects(number, ANN, comment={"text": "It is stuck again."})

    assert (await site.ticket_view(number)).summary.status == "open"
    assert await site.notified(NoticeKind.NEW_COMMENT) == [SAM]


async def test_a_comment_on_a_closed_ticket_is_refused_with_what_to_do(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, status="closed")

    status, body = await site.change(number, ANN, comment={"text": "It is back."})

    assert (status, "open a new ticket" in body["detail"]) == (409, True)
    await site.effects(number, ANN, comment={"text": "It is back."}, status="open")


async def test_a_flagged_comment_is_published(site: Site) -> None:
    number = await site.mailed()
    await site.postern.take(a_mail(ANN, f"Re: [#{number}] Printer", "Me again."))
    (reply,) = await site.postern.take(a_mail(SAM, f"[#{number}]", "Odd."))
    assert f"#{number}" in reply.text
    flagged = next(
        c for c in (await site.ticket_view(number)).comments if c.visibility == "private"
    )

    await site.effects(number, publish=flagged.id)

    _, ticket = await site.get(f"/{number}", ANN)
    assert "Odd." in ticket["comments"][-1]["text"]


async def test_a_critical_problem_logged_over_the_api_can_be_escalated(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="P1")

    effects = await site.effects(number, ANN, escalate="two hours of silence")

    assert effects[0].startswith(f"#{number} is at level 1")
    assert (await site.ticket_view(number)).details.escalation_level == 1


async def test_a_workaround_lowers_the_severity_where_the_policy_says_so(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="P1")

    assert await site.effects(number, workaround=True) == [f"#{number} is now High"]


@pytest.mark.parametrize("address", [SUPPORT, "support+x@help.example", PLANNED])
@pytest.mark.parametrize("actor", [ANN, SAM])
async def test_our_own_addresses_join_no_ticket(site: Site, actor: str, address: str) -> None:
    number = await site.open(ANN)

    status, body = await site.change(number, actor, add=[address])

    assert (status, "cannot be on a ticket" in body.get("detail", "")) == (409, True)


async def test_the_address_of_a_mailbox_that_takes_no_mail_joins_no_ticket(site: Site) -> None:
    number = await site.open(ANN)
    await site.write(partial(mailboxes.set_mailbox_active, address=PLANNED, active=False))

    for actor in (ANN, SAM):
        assert (await site.change(number, actor, add=[PLANNED]))[0] == 409


async def test_a_mailbox_that_takes_no_mail_takes_no_new_requests_and_its_tickets_stay(
    site: Site,
) -> None:
    number = await site.open(ANN, PLANNED)
    await site.write(partial(mailboxes.set_mailbox_active, address=PLANNED, active=False))

    for actor in (ANN, SAM):
        status, body = await site.opened(actor, PLANNED)
        assert (status, "takes no new requests" in body.get("detail", "")) == (409, True)
    assert (await site.change(number, ANN, comment={"text": "It is stuck still."}))[0] == 200


async def test_a_customer_comments_on_no_closed_ticket_without_opening_it(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, ANN, status="closed")

    for status in ("closed", "resolved"):
        answer, body = await site.change(number, ANN, status=status, comment={"text": "Still?"})
        assert (answer, "is closed; send" in body.get("detail", "")) == (409, True)


async def test_a_customer_adds_no_role_as_by_their_mail(site: Site) -> None:
    number = await site.open(ANN)

    assert (await site.change(number, ANN, add=["mailer-daemon@x.example"]))[0] == 409
    assert (await site.change(number, SAM, add=["mailer-daemon@x.example"]))[0] == 200


@pytest.mark.parametrize("guests", ["propose", "ignore", "add"])
async def test_a_customer_learns_nothing_of_who_else_is_registered(
    site: Site, guests: Literal["propose", "ignore", "add"]
) -> None:
    policies = site.postern.services.runtime.policies
    assert isinstance(policies, PolicyBook)
    policy = policies["atlan"]
    cc = policy.cc.model_copy(update={"guests": guests})
    policies.replace({**policies, "atlan": policy.model_copy(update={"cc": cc})})
    gone = "gone@globex.example"
    shared = await site.read(partial(mailboxes.mailbox_named, address=SHARED))
    person = NewPerson(gone, "", Role.USER, "Globex")
    await site.write(partial(people.add_person, mailbox=shared, person=person))
    await site.write(
        partial(
            people.set_person_active, mailbox=shared, role=Role.USER, address=gone, active=False
        )
    )
    number = await site.open(ANN, SHARED)

    answers = []
    for address in (GIL, gone, "who@globex.example"):
        status, body = await site.change(number, ANN, add=[address])
        body.pop("ticket", None)
        answers.append((status, str(body).replace(address, "X")))

    assert len(set(answers)) == 1, answers
    assert answers[0][0] == (409 if guests == "ignore" else 200)
    _, ticket = await site.get(f"/{number}", ANN)
    foreign = [p["part"] for p in ticket["people"] if p["address"].endswith("globex.example")]
    assert foreign == (["guest"] * 3 if guests == "add" else [])
    await site.write(
        partial(people.set_person_active, mailbox=shared, role=Role.USER, address=BOB, active=False)
    )
    status, body = await site.change(number, ANN, add=[BOB])  # a colleague
    assert (status, body["detail"]) == (
        409,
        f"{BOB} cannot be added by customers; ask staff",
    )


async def test_staff_hear_of_a_person_proposed_while_the_requester_has_left(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, add=[BOB])
    mailbox = await site.read(partial(mailboxes.mailbox_named, address=SUPPORT))
    left = partial(
        people.set_person_active, mailbox=mailbox, role=Role.USER, address=ANN, active=False
    )
    await site.write(left)

    await site.effects(number, BOB, add=["pat@partner.example"])

    assert await site.notified(NoticeKind.ALERT) == [SAM]


async def test_a_draft_that_its_author_wrote_as_a_note_becomes_one(site: Site) -> None:
    """A fault in another line made it a draft; the more private reading wins."""
    number = await site.mailed()
    await site.effects(number, add=[SAM])
    sam = next(m.id for m in (await site.ticket_view(number)).members if m.address == SAM)
    keys = await site.read(load_keys)
    to = reply_address(keys, 1, SUPPORT, ReplyToken(number, sam, Purpose.REPLY))
    text = "#sverity low\r\n#note\r\n\r\nAnn exaggerates."
    await site.postern.take(a_mail(SAM, "Re: Printer", text), "127.0.0.1", to)
    draft = (await site.ticket_view(number)).comments[-1]
    assert draft.visibility == "private"

    (done,) = await site.effects(number, publish=draft.id)

    assert "is a note" in done
    assert (await site.ticket_view(number)).comments[-1].visibility == "note"
    _, seen_by_ann = await site.get(f"/{number}", ANN)
    assert "exaggerates" not in json.dumps(seen_by_ann)
