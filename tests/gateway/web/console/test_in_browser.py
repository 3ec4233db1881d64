"""The console in a real browser: what comes live, how it is answered, and what a hostile mail does
not do."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from playwright.sync_api import expect

from tests.chromium import IN_CHROMIUM, chromium
from tests.in_process import SUPPORT, enrolled_store
from tests.running import Postern, serving, write_config
from tests.stores import SqliteStores

ANN = "ann@acme.example"
RUN = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"


def link_into(postern: Postern) -> str:
    done = postern.run("console", "invite", "sam@help.example", "--role", "agent")
    path = re.search(r"/console/enter/\S+", done.stdout)
    assert path is not None, done.stdout
    return f"{postern.http}{path[0]}"


@IN_CHROMIUM
def test_a_mail_appears_without_a_reload_runs_nothing_and_is_answered(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    config = write_config(tmp_path, enrolled_store(sqlite_stores.new()))
    with serving(config) as postern, chromium() as browser:
        page = browser.new_page()
        page.goto(link_into(postern))
        page.fill("#password", "correct horse battery")
        page.fill("#again", "correct horse battery")
        page.click("main button")
        page.click("nav >> text=Journal")
        expect(page.locator("#live")).to_have_class("on", timeout=20_000)

        code, _ = postern.send(hostile(), ANN, SUPPORT)
        expect(page.locator("#mails")).to_contain_text("Hello <script>", timeout=20_000)
        page.click("#mails a")
        page.click("summary")
        frame = page.frame_locator("iframe").locator("body")

        assert code == 250
        expect(frame).to_contain_text("The printer is on fire.", timeout=20_000)
        expect(page.locator("h1")).to_contain_text("Hello <script>")
        expect(page.locator(".steps")).to_contain_text("Registered?")
        assert page.title().startswith("Hello <script>")
        assert frame.evaluate("() => document.title") == ""
        assert [each.url for each in page.frames[1:]] == [f"{page.url}/html"]
        with page.expect_download() as download:
            page.click("text=notes.txt")
        assert download.value.path().read_text().strip() == "One, two."

        page.click(".facts a[href$='/tickets/1']")
        page.fill("#text", "Pour water on it.")
        page.set_input_files("input[type=file]", download.value.path())
        page.click("text=Send the reply")
        expect(page.locator(".notice")).to_contain_text("Done: comment added to #1 (public)")
        expect(page.locator(".comment.staff .files")).to_be_visible()
        page.click("text=Change the severity")
        page.select_option("#level", "Critical")
        page.fill("#severity-why", "It is still on fire.")
        page.click("text=Set the severity")
        expect(page.locator(".notice")).to_contain_text("#1 is now Critical")
        expect(page.locator(".side")).to_contain_text("It is still on fire.")


def hostile() -> bytes:
    """A mail whose subject, HTML and file would run a script, with an honest text."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ANN, SUPPORT, f"Hello {RUN}"
    mail.set_content("The printer is on fire.")
    mail.add_alternative(f"<p>The printer is <b>on fire</b>.</p>{RUN}", subtype="html")
    mail.add_attachment("One, two.", filename="notes.txt")
    return mail.as_bytes(policy=SMTP)
