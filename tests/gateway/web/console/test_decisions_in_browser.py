"""A day at the desk in a real browser: what waits for a decision is found, decided, and done."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from gateway import policies
from rules.mail import Delivery
from tests.chromium import IN_CHROMIUM, chromium_beside
from tests.gateway.web.console.desk import NEW, Desk, a_desk
from tests.gateway.web.console.test_pages_in_browser import enter, envelope_of
from tests.gateway.web.link_pages import EVE, SAM
from tests.in_process import a_mail
from tests.stores import SqliteStores

STRICTER = policies.find(None)["default"].text.replace(
    'registration = "user"', 'registration = "domain"'
)


@IN_CHROMIUM
async def test_whatever_waits_for_staff_is_found_and_decided_in_the_browser(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    async with a_desk(sqlite_stores.new(), tmp_path) as desk, chromium_beside() as browser:
        await desk.hold("A jam in the printer")
        await desk.hold("Me too", "other@acme.example")
        await desk.site.services.ingest.take(
            Delivery(envelope_of(SAM), a_mail(SAM, "[#1]", "Odd, it prints green."))
        )
        page = await browser.new_page()
        await enter(desk, page)

        await a_held_mail_is_released(page)
        await a_comment_is_published(page, desk)
        await a_person_is_approved(page, desk)
        await a_word_finds_its_ticket(page)
        await a_policy_is_tried_on_the_mails_that_came(page, tmp_path)


async def a_held_mail_is_released(page: Page) -> None:
    await page.click("text=Held mail")
    await page.click("text=A jam in the printer")
    await page.click("button >> text=Register the sender and release")
    await expect(page.locator(".notice")).to_contain_text("#2")


async def a_comment_is_published(page: Page, desk: Desk) -> None:
    await page.click("nav >> text=Queues")
    await page.click("text=Comments to review")
    await page.click("text=#1")
    await page.click("button >> text=Publish")
    await expect(page.locator(".notice")).to_contain_text("is now public")
    assert (await desk.site.ticket_view()).comments[-1].visibility == "public"


async def a_person_is_approved(page: Page, desk: Desk) -> None:
    await page.click(f"button[aria-label='Approve {EVE}']")
    await expect(page.locator(".notice")).to_contain_text(f"{EVE} is now on #1")
    assert await desk.site.presence() == "active"


async def a_word_finds_its_ticket(page: Page) -> None:
    await page.click("nav >> text=Tickets")
    await page.fill("[name=q]", "jam print*")
    await page.press("[name=q]", "Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("tbody")).to_contain_text("A jam in the printer")
    await expect(page.locator("tbody")).to_contain_text(NEW)


async def a_policy_is_tried_on_the_mails_that_came(page: Page, folder: Path) -> None:
    file = folder / "stricter.toml"
    file.write_text(STRICTER)
    await page.click("nav >> text=Policies")
    await page.click("a[href$='/backtest']")
    await page.set_input_files("#file", file)
    await page.click("text=Start the back-test")
    await expect(page.locator(".outcome")).to_contain_text("mails decided again")
    await expect(page.locator("table.list")).to_contain_text("Me too")
