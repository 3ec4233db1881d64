"""The verbs of staff over the API: tags, snooze, requester, saved replies."""

from __future__ import annotations

from typing import Any

from tests.gateway.web.api.site import ANN, SAM, Site
from tests.in_process import SUPPORT

HERE = f"/../macros/hi?mailbox={SUPPORT}"


async def test_staff_tag_and_snooze_a_ticket_and_customers_do_not_see_it(site: Site) -> None:
    number = await site.open(ANN)

    effects = await site.effects(number, tag=["Billing"], snooze="3d")
    assert effects[0] == f"#{number} has the tag billing"
    _, shown = await site.get(f"/{number}", SAM)
    assert (shown["tags"], shown["snooze_until"] is not None) == (["billing"], True)
    assert await site.numbers(f"?mailbox={SUPPORT}&tag=billing", SAM) == [number]
    assert await site.numbers(f"?mailbox={SUPPORT}&tag=refund", SAM) == []

    _, shown = await site.get(f"/{number}", ANN)
    assert shown.keys().isdisjoint({"tags", "snooze_until"})
    assert (await site.get(f"?mailbox={SUPPORT}&tag=billing", ANN))[0] == 400
    for change in ({"tag": ["x"]}, {"snooze": "3d"}, {"requester": ANN}):
        assert (await site.change(number, ANN, **change))[0] == 403


async def test_saved_replies_are_put_sent_and_deleted_by_staff_alone(site: Site) -> None:
    new = {"text": "Hello {name}, about {ticket}: it works."}
    number = await site.open(ANN)

    assert await asked(site, "PUT", HERE, ANN, new) == 403
    assert await asked(site, "PUT", HERE, SAM, {"text": "Hello {you}"}) == 400
    assert await asked(site, "PUT", HERE, SAM, new) == 200
    status, body = await site.get(f"/../macros?mailbox={SUPPORT}", SAM)
    assert (status, [each["name"] for each in body["macros"]]) == (200, ["hi"])

    await site.effects(number, comment={"macro": "Hi"})  # as #macro takes it by mail
    view = await site.ticket_view(number)
    assert f"about #{number}: it works." in view.comments[-1].text
    assert (await site.change(number, ANN, comment={"macro": "hi"}))[0] == 403
    assert (await site.change(number, SAM, comment={"macro": "no"}))[0] == 409

    assert await asked(site, "DELETE", HERE, SAM) == 200
    assert await asked(site, "DELETE", HERE, SAM) == 404


async def test_a_public_comment_with_a_command_line_is_refused(site: Site) -> None:
    number = await site.open(ANN)

    for text in ("#note\nHe did not pay.", "Hello,\n#status closed"):
        status, body = await site.change(number, SAM, comment={"text": text})
        assert (status, "a command by mail" in body["detail"]) == (409, True)
    assert (await site.change(number, ANN, comment={"text": "#note\nWhat is this?"}))[0] == 200


async def asked(
    site: Site, method: str, path: str, actor: str, body: dict[str, Any] | None = None
) -> int:
    response = await site.ask(method, path, actor, json=body)
    return response.status
