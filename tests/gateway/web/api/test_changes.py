"""Changes to a ticket: all or nothing, in a fixed order, and who may make them."""

from __future__ import annotations

from typing import Any

import pytest

from rules.ticket.notices import NoticeKind
from tests.desk import a_mail
from tests.gateway.web.api.site import ANN, BOB, PLANNED, SAM, Site


async def test_every_part_of_a_change_is_made_in_a_fixed_order(either: Site) -> None:
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
        f"{BOB} is on #{number} now",
        f"#{number} is {SAM}'s now",
        f"#{number} is High now",
        f"said on #{number} (public)",
        f"#{number} is pending now",
    ]


async def test_of_a_change_with_one_bad_part_nothing_is_made(either: Site) -> None:
    number = await either.open(ANN)
    before = await either.whole(number)

    status, body = await either.change(
        number, severity="high", comment={"text": "Soon."}, merge_into=4711
    )

    assert (status, body) == (409, {"error": "there is no ticket #4711"})
    assert await either.whole(number) == before


async def test_a_change_answers_with_the_ticket_as_it_is_now(site: Site) -> None:
    number = await site.open(ANN)

    _, body = await site.change(number, severity="high", why="it is worse")

    assert body["ticket"]["severity"] == "High"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"statuss": "open"}, "unknown key: statuss (did you mean status?)"),
        ({"status": "opne"}, "status: 'opne': "),
        ({"comment": "Hello"}, "comment is to be a JSON object"),
        ({"comment": {"text": "x", "visibilty": "note"}}, "did you mean visibility?"),
        ({"publish": 0}, "publish: 0: "),
        ({"merge_into": 2**70}, "merge_into: "),
        ({"severity": "Low", "workaround": True}, "use one of them"),
        ({}, "no change is named"),
        ([], "the body is to be a JSON object"),
    ],
)
async def test_what_cannot_be_asked_is_named(site: Site, asked: Any, said: str) -> None:
    number = await site.open(ANN)

    response = await site.ask("PATCH", f"/{number}", SAM, json=asked)

    assert response.status == 400
    assert said in (await response.json())["error"]


async def test_a_body_that_is_no_json_is_said(site: Site) -> None:
    headers = {"Authorization": "Bearer staff-token", "X-Postern-Actor": SAM}

    response = await site.client.patch("/api/v1/tickets/1", headers=headers, data="status=open")

    assert (response.status, await response.json()) == (400, {"error": "the body is no JSON"})


@pytest.mark.parametrize(
    "asked",
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
    ids=lambda asked: "".join(asked),
)
async def test_what_only_staff_do_is_forbidden_to_customers(
    site: Site, asked: dict[str, Any]
) -> None:
    number = await site.open(ANN)

    status, body = await site.change(number, ANN, **asked)

    assert (status, "staff" in body["error"]) == (403, True)


async def test_an_open_ticket_goes_into_none_that_is_over(site: Site) -> None:
    over, number = await site.open(ANN), await site.open(ANN)
    await site.change(over, SAM, status="closed")

    status, body = await site.change(number, SAM, merge_into=over)

    assert status == 409
    assert body["error"] == f"#{over} is closed; reopen it, or nobody sees #{number}"


async def test_a_customer_makes_his_ticket_critical_over_the_api(either: Site) -> None:
    number = await either.mailed()

    await either.effects(number, ANN, severity="critical", why="nobody can work")

    assert (await either.whole(number)).summary.severity == "Critical"


async def test_a_customers_comment_reaches_staff_and_reopens_his_ticket(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, status="resolved")
    await site.notified(NoticeKind.NEW_COMMENT)

    await site.effects(number, ANN, comment={"text": "It is stuck again."})

    assert (await site.whole(number)).summary.status == "open"
    assert await site.notified(NoticeKind.NEW_COMMENT) == [SAM]


async def test_words_on_a_closed_ticket_are_refused_with_the_way_on(site: Site) -> None:
    number = await site.open(ANN)
    await site.effects(number, status="closed")

    status, body = await site.change(number, ANN, comment={"text": "It is back."})

    assert (status, "open a new ticket" in body["error"]) == (409, True)
    await site.effects(number, ANN, comment={"text": "It is back."}, status="open")


async def test_a_flagged_comment_is_published(site: Site) -> None:
    number = await site.mailed()
    await site.desk.take(a_mail(ANN, f"Re: [#{number}] Printer", "Me again."))
    (reply,) = await site.desk.take(a_mail(SAM, f"[#{number}]", "Odd."))
    assert f"#{number}" in reply.text
    flagged = next(c for c in (await site.whole(number)).comments if c.visibility == "private")

    await site.effects(number, publish=flagged.id)

    _, ticket = await site.get(f"/{number}", ANN)
    assert "Odd." in ticket["comments"][-1]["text"]


async def test_an_escalation_begins_once_the_critical_problem_is_logged_here(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="P1")

    effects = await site.effects(number, ANN, escalate="two hours of silence")

    assert effects[0].startswith(f"#{number} is at level 1")
    assert (await site.whole(number)).details.escalation_level == 1


async def test_a_workaround_lowers_the_severity_where_the_policy_says_so(site: Site) -> None:
    number = await site.open(ANN, PLANNED, severity="P1")

    assert await site.effects(number, workaround=True) == [f"#{number} is High now"]
