"""A single ticket: what each caller may see of it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import partial

import pytest

from gateway.policies import PolicyBook
from rules.mail.quoting import REPLY_MARK
from rules.sender.tokens import Link, LinkUse, Purpose, ReplyToken, link_token, reply_address
from storage.registry import mailboxes
from storage.registry.signing_keys import load_keys
from tests.gateway.web.api.site import ALICE, ANN, BOB, GIL, PLANNED, SAM, SHARED, Site
from tests.in_process import SUPPORT, a_mail


async def test_a_customer_reads_what_is_public(site: Site) -> None:
    number = await site.mailed()
    await site.effects(number, comment={"text": "We look."})
    await site.effects(number, comment={"text": "An odd one.", "visibility": "note"})

    _, ticket = await site.get(f"/{number}", ANN)

    assert [c["text"].strip() for c in ticket["comments"]] == ["It does not print.", "We look."]
    assert {"history", "preferred_channel", "rating", "assignee", "mentions"} & set(ticket) == set()


async def test_what_a_reply_says_in_its_subject_is_shown(site: Site) -> None:
    number = await site.mailed()
    await site.postern.take(a_mail(ANN, f"Re: [#{number}] Printer", "Any news?"))
    await site.postern.take(a_mail(ANN, f"Re: [#{number}] NOW IT BURNS", ""))

    _, ticket = await site.get(f"/{number}", ANN)

    assert [c["subject"] for c in ticket["comments"]] == ["", "", "NOW IT BURNS"]


async def test_staff_and_reports_read_everything(site: Site) -> None:
    number = await site.open(ANN, PLANNED)
    await site.effects(number, comment={"text": "An odd one.", "visibility": "note"})
    await site.effects(number, severity="low", why="only one lift")

    for actor in (SAM, ""):
        _, ticket = await site.get(f"/{number}", actor)

        assert [c["visibility"] for c in ticket["comments"]] == ["public", "note"]
        assert ticket["preferred_channel"] == "call Ann first"
        last = ticket["history"][-1]
        assert (last["event"], last["actor"], last["source"]) == ("severity_changed", SAM, "api")
        assert (last["became"], last["reason"]) == ("Low", "only one lift")


async def test_the_customers_claim_is_shown_with_the_severity(site: Site) -> None:
    number = await site.mailed(a_mail(ANN, "[Critical] Lift"))

    _, ticket = await site.get(f"/{number}", ANN)

    assert (ticket["severity"], ticket["severity_claimed"]) == ("High", "Critical")


async def test_a_ticket_shows_its_tier_and_when_an_answer_is_due(site: Site) -> None:
    complete = (
        "Environment: prod\nProduct: console\nError message: E42\n"
        "Steps to reproduce: open it\nImpact: all users\nRecent changes: none"
    )
    number = await site.open(ANN, PLANNED, text=complete, severity="high")

    _, ticket = await site.get(f"/{number}", ANN)

    assert (ticket["tier"], ticket["missing"]) == ("premium", [])
    opened, due = (datetime.fromisoformat(ticket[key]) for key in ("opened_at", "due_at"))
    assert (due - opened).total_seconds() == 3600  # the contract's own promise, not the tier's


async def test_staff_see_how_each_comment_was_proven(site: Site) -> None:
    number = await site.mailed()
    await site.effects(number, comment={"text": "We look."})

    _, seen = await site.get(f"/{number}", SAM)
    _, seen_by_ann = await site.get(f"/{number}", ANN)

    by_mail, by_api = (comment["proof"] for comment in seen["comments"])
    assert (by_mail.partition(":")[0], by_api) == ("peer", "api")
    assert [comment["unproven"] for comment in seen_by_ann["comments"]] == [False, False]
    assert not any("proof" in comment for comment in seen_by_ann["comments"])


async def test_missing_facts_are_named(site: Site) -> None:
    number = await site.open(ANN, PLANNED)

    _, ticket = await site.get(f"/{number}", ANN)

    assert "environment" in ticket["missing"]
    assert ticket["due_at"] is not None  # what comes by the API starts at once


@pytest.mark.parametrize("stranger", [BOB, GIL, ALICE])
async def test_an_unreadable_ticket_looks_like_one_that_does_not_exist(
    site: Site, stranger: str
) -> None:
    number = await site.open(ANN)
    paths = ("", "/attachments/1")

    for path in paths:
        theirs = await site.get(f"/{number}{path}", stranger)
        status, nobodys = await site.get(f"/4711{path}", stranger)
        assert theirs[1]["detail"] == f"there is no ticket #{number}"
        assert nobodys["detail"] == "there is no ticket #4711"
        assert (status, {**nobodys, "detail": ""}) == (404, {**theirs[1], "detail": ""})
    assert await site.change(number, stranger, status="closed") == theirs


async def test_a_colleague_may_only_read_where_the_policy_allows_it(site: Site) -> None:
    number = await site.open(ANN, SHARED)

    assert (await site.get(f"/{number}", BOB))[0] == 200
    for requested in ({"status": "closed"}, {"comment": {"text": "Me too."}}):
        status, body = await site.change(number, BOB, **requested)
        assert (status, "you must be on it" in body["detail"]) == (403, True)


async def test_reply_addresses_and_links_of_others_are_not_shown(site: Site) -> None:
    token, link = f"support+{'a7' * 20}@help.example", f"https://x.example/people/1/{'b6' * 20}"
    number = await site.mailed(a_mail(ANN, text=f"Hello\r\n\r\n> {token}\r\n> {link}"))

    for actor in (ANN, SAM):
        _, ticket = await site.get(f"/{number}", actor)
        (comment,) = ticket["comments"]
        assert "a7a7" not in comment["text"]
        assert "b6b6" not in comment["text"]


async def test_what_our_keys_have_sealed_is_not_shown_as_the_value_of_a_field(site: Site) -> None:
    policies = site.postern.services.runtime.policies
    assert isinstance(policies, PolicyBook)
    asked = policies["default"].model_copy(update={"fields": policies["aiven"].fields})
    policies.replace({**policies, "default": asked})
    keys = await site.read(load_keys)
    sealed = reply_address(keys, 1, SUPPORT, ReplyToken(1, 1, Purpose.REPLY))
    number = await site.mailed()
    await site.effects(number, fields={"project_id": sealed})
    await site.effects(number, fields={"project_id": "blue"})

    _, ticket = await site.get(f"/{number}", SAM)

    corrected = ticket["history"][-1]
    assert (corrected["event"], corrected["became"]) == ("field_changed", "blue")
    assert sealed.partition("@")[0] not in json.dumps(ticket)


async def test_a_comment_is_shown_without_what_it_quotes(site: Site) -> None:
    quoted = "On Mon, 2 Mar 2026 at 10:00, Sam <sam@help.example> wrote:\r\n> Did you try?"
    number = await site.mailed(a_mail(ANN, text=f"It does not print.\r\n\r\n{quoted}"))

    _, ticket = await site.get(f"/{number}", ANN)

    (comment,) = ticket["comments"]
    assert comment["shown"] == "It does not print."
    assert "Did you try?" in comment["text"]


async def test_a_customer_reads_no_command_of_staff(site: Site) -> None:
    number = await site.mailed()
    await site.effects(number, add=[SAM])
    sam = next(m.id for m in (await site.ticket_view(number)).members if m.address == SAM)
    keys = await site.read(load_keys)
    to = reply_address(keys, 1, SUPPORT, ReplyToken(number, sam, Purpose.REPLY))
    text = "#assign me\r\n#severity low, Ann exaggerates\r\n\r\nWe look into it."
    await site.postern.take(a_mail(SAM, "Re: Printer", text), "127.0.0.1", to)

    _, seen_by_ann = await site.get(f"/{number}", ANN)
    _, seen_by_staff = await site.get(f"/{number}", SAM)

    answer = seen_by_ann["comments"][-1]
    assert (answer["text"], answer["shown"]) == ("We look into it.", "We look into it.")
    assert "exaggerates" not in json.dumps(seen_by_ann)
    assert "#severity low, Ann exaggerates" in seen_by_staff["comments"][-1]["text"]


WRAPPED = REPLY_MARK.replace("above", "above\n>")


@pytest.mark.parametrize("mark", [REPLY_MARK, f"> {WRAPPED}"])
async def test_a_customer_reads_no_notice_to_staff_that_somebody_else_quotes(
    site: Site, mark: str
) -> None:
    """A staff person sent it on, or answers from an address that is not registered as staff."""
    number = await site.mailed()
    await site.effects(number, add=[GIL])
    quoted = f"{mark}\n\nSue wrote a note:\n\nAnn exaggerates.\n\nI replaced the fuse."
    answer = f"It works again.\n\n{quoted}".replace("\n", "\r\n")
    await site.postern.take(a_mail(GIL, f"Re: [#{number}] Printer", answer))

    _, seen_by_ann = await site.get(f"/{number}", ANN)
    _, seen_by_staff = await site.get(f"/{number}", SAM)

    shown = seen_by_ann["comments"][-1]
    assert (shown["text"], shown["shown"]) == ("It works again.", "It works again.")
    assert shown["shortened"] is (mark != REPLY_MARK)  # else all of it would be hidden as a quote
    assert "Ann exaggerates." in seen_by_staff["comments"][-1]["text"]


async def test_a_comment_says_how_many_lines_of_which_kind_are_not_shown(site: Site) -> None:
    number = await site.mailed()
    answer = "It works.\r\n\r\n-- \r\nAnn\r\n\r\nOn Monday Sam wrote:\r\n> Does it?\r\n"
    await site.postern.take(a_mail(ANN, f"Re: [#{number}] Printer", answer))

    for reader in (ANN, SAM):
        _, seen = await site.get(f"/{number}", reader)
        first, last = seen["comments"][0], seen["comments"][-1]
        assert first["hidden"] is None
        assert last["shown"] == "It works."
        assert last["hidden"] == {"lines": 4, "kind": "quoted text, signature"}
        assert "Does it?" in last["text"]


async def test_what_our_keys_have_sealed_is_not_shown_in_any_spelling(site: Site) -> None:
    keys = await site.read(load_keys)
    sealed = link_token(keys, 1, LinkUse.APPROVE, Link(1, 1, "eve@evil.example"))
    quoted = f"> https%3A%2F%2Fx.example%2Fpeople%2F1%2F{sealed[:50]}\r\n> {sealed[50:]}"
    number = await site.mailed(
        a_mail(ANN, subject=f"About {sealed}", text=f"Hello\r\n\r\n{quoted}")
    )

    for actor in (ANN, SAM):
        _, ticket = await site.get(f"/{number}", actor)
        shown = re.sub(r"\\n|[\s>]", "", json.dumps(ticket))
        assert sealed[:20] not in shown
        assert sealed[-20:] not in shown


async def test_what_was_sealed_for_a_mailbox_that_takes_no_mail_is_not_shown(site: Site) -> None:
    keys = await site.read(load_keys)
    other = await site.read(partial(mailboxes.mailbox_named, address=PLANNED))
    sealed = link_token(keys, other.id, LinkUse.APPROVE, Link(1, 1, "eve@evil.example"))
    number = await site.mailed(a_mail(ANN, text=f"Hello {sealed}"))
    rest = partial(mailboxes.set_mailbox_active, address=PLANNED, active=False)
    await site.write(rest)

    _, ticket = await site.get(f"/{number}", ANN)

    assert ticket["comments"][0]["text"].strip() == "Hello […]"


async def test_a_guest_of_another_company_reads_nothing_of_what_was_promised(site: Site) -> None:
    """Its plan and its times are agreed with the company of the ticket."""
    number = await site.open(ANN, PLANNED, severity="High")
    await site.effects(number, ANN, add=[GIL])
    await site.effects(number, approve=[GIL])
    promised = ("tier", "due_at", "first_due_at")

    _, ours = await site.get(f"/{number}", ANN)
    _, theirs = await site.get(f"/{number}", GIL)
    _, changed = await site.change(number, GIL, comment={"text": "It is ours as well."})
    _, listed = await site.get(f"?mailbox={PLANNED}&list=cc", GIL)
    _, own = await site.get(f"?mailbox={PLANNED}", ANN)

    assert all(ours[key] for key in promised)
    assert [p["part"] for p in theirs["people"] if p["address"] == GIL] == ["guest"]
    for seen in (theirs, changed["ticket"]):
        assert [seen[key] for key in promised] == ["", None, None]
    assert [each["due_at"] for each in listed["tickets"]] == [None]
    assert all(each["due_at"] for each in own["tickets"])
