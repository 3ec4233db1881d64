"""Hostile HTML in a real browser: nothing runs, and nothing is loaded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request

from gateway.parsing.html_view import view_of_body
from rules.mail import Body
from rules.mail.markup import pieces, written
from rules.mail.presented import with_images
from tests.chromium import IN_CHROMIUM, chromium

VECTORS: dict[str, str] = json.loads(Path(__file__).with_name("hostile_html.json").read_bytes())
"""Bodies by what they attempt. `RUN` is a script that sets a flag, `WEB` a server that counts."""
RUN = "window.ran=1"
TWICE = """markup => {
    window.ran = undefined;
    const first = document.createElement('div');
    document.body.replaceChildren(first);
    first.innerHTML = markup;
    const again = document.createElement('div');
    document.body.append(again);
    again.innerHTML = first.innerHTML;
    for (const link of document.querySelectorAll('a[href]')) {
        if (!/^(https?:\\/\\/|mailto:|tel:)/.test(link.getAttribute('href'))) window.ran = 'link';
    }
    if (document.querySelector('script,svg,math,iframe,form,style,[id],[class],[name]')) {
        window.ran = 'element';
    }
    return again.innerHTML === first.innerHTML;
}"""
"""Shows a markup, and what the browser writes of it, as an editor or a portal may do."""


class Web:
    """A server that counts what is loaded."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        web = self

        class Counting(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/page":
                    web.loaded.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!DOCTYPE html><link rel=icon href=data:,><body></body>")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
        self.server.daemon_threads = True
        self.name = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    web = Web()
    web.thread.start()
    yield web
    web.server.shutdown()
    web.thread.join()
    web.server.server_close()


@pytest.fixture(scope="module")
def page(web: Web) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"http://{web.name}/page")
        yield page


def of(name: str, web: str) -> str:
    return VECTORS[name].replace("WEB", web).replace("RUN", RUN)


def shown(markup: str) -> str:
    """As the API gives it."""
    view = view_of_body(Body(text="", html=markup, charset_guessed=False, attachments=()))
    both = pieces(view.html) + pieces(view.quoted)
    made, _ = with_images(both, lambda name: "", remote=False, placeholder="image")
    return written(made)


def outcome(page: Page, web: Web, markup: str) -> tuple[object, list[str], object]:
    """What a page did with a markup: what ran, what was loaded, and whether it is written as it was
    read."""
    requested: list[str] = []

    def request(made: Request) -> None:
        requested.append(made.url)

    web.loaded.clear()
    page.on("request", request)
    same = page.evaluate(TWICE, markup)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    ran = page.evaluate("() => window.ran")
    page.remove_listener("request", request)
    return ran, requested + web.loaded, same


@IN_CHROMIUM
@pytest.mark.parametrize("name", VECTORS)
def test_nothing_runs_and_nothing_is_loaded(page: Page, web: Web, name: str) -> None:
    markup = of(name, web.name)

    ran, loaded, same = outcome(page, web, shown(markup))

    assert (ran, loaded, same) == (None, [], True)


@IN_CHROMIUM
def test_the_browser_would_run_and_load_it_otherwise(page: Page, web: Web) -> None:
    ran, loaded, _ = outcome(page, web, f"<img src=http://{web.name}/x.png onerror={RUN}>")

    assert ran == 1
    assert loaded


def test_there_are_at_least_sixty_vectors() -> None:
    assert len(VECTORS) >= 60


@pytest.mark.parametrize("name", VECTORS)
def test_what_is_left_is_only_what_is_listed(name: str) -> None:
    """`pieces` refuses whatever else a sanitiser would leave; without a browser."""
    markup = shown(of(name, "web.example"))

    assert written(pieces(markup)) == markup
    assert "web.example/" not in markup.replace('href="http://web.example/', "")
