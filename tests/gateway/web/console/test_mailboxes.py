"""Mailboxes are added by administrators in the console, as on the command line."""

from __future__ import annotations

from structlog.testing import capture_logs

from rules.mail import Delivery, Envelope
from rules.service.console_roles import ConsoleRole
from storage.registry import mailboxes
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.link_pages import SAM, SUPPORT
from tests.in_process import a_mail

SALES = "sales@help.example"


async def test_a_mailbox_is_added_and_the_page_says_what_is_left_to_do(desk: Desk) -> None:
    admin = await desk.logged_in(ConsoleRole.ADMIN)

    with capture_logs() as logged:
        sent = await admin.send("/console/mailboxes", address="Sales@help.example", policy="weka")

    assert sent == (303, "/console/mailboxes?added=sales%40help.example")
    assert [mailbox.policy for mailbox in await desk.site.write(mailboxes.list_mailboxes)] == [
        "weka",
        "default",
    ]
    (event,) = (each for each in logged if each["event"] == "registry_changed")
    assert (event["mailbox"], event["change"], event["by"]) == (SALES, "mailbox_added", SAM)
    _, page = await admin.get(sent[1])
    assert "let the MX record of help.example name this server" in page
    assert "let SPF and DKIM of help.example cover what it sends" in page
    envelope = Envelope("127.0.0.1", "", False, "eve@evil.example", (SALES,))
    (reply,) = await desk.site.services.ingest.take(Delivery(envelope, a_mail("eve@evil.example")))
    assert "please sign up in the support portal first" in str(reply)


async def test_what_is_no_mailbox_is_refused_with_the_reason(desk: Desk) -> None:
    admin = await desk.logged_in(ConsoleRole.ADMIN)
    refused = {
        ("sales", "default"): "sales is not a valid email address",
        (SUPPORT, "default"): f"{SUPPORT} is already registered",
        ("a+b@help.example", "default"): "so that a reply token fits after it",
        (SALES, "wekka"): "There is no such policy.",
    }
    for (address, policy), why in refused.items():
        status, page = await admin.send("/console/mailboxes", address=address, policy=policy)
        assert (status, why in page, f'value="{address}"' in page) == (422, True, True), why
    assert len(await desk.site.write(mailboxes.list_mailboxes)) == 1


async def test_a_mailbox_that_takes_no_mail_is_not_listed_as_one_that_does(desk: Desk) -> None:
    await desk.site.write(lambda c: mailboxes.add_mailbox(c, SALES, "default"))
    await desk.site.write(lambda c: mailboxes.set_mailbox_active(c, SALES, active=False))
    admin = await desk.logged_in(ConsoleRole.ADMIN)

    _, page = await admin.get(f"/console/mailboxes?added={SALES}")

    assert page.count("takes no mail") == 1
    assert "What is left to do" not in page
