"""A filled mail of each kind, for looking at: `python -m tests.gateway.outgoing.gallery FOLDER`
writes a picture of each in the languages and shapes of `SHAPES`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from rules.ticket.notices import NoticeKind
from tests.chromium import chromium
from tests.gateway.outgoing.notices import (
    ABOUT_NO_TICKET,
    CARRY_A_COMMENT,
    NOT_ON_THE_TICKET,
    TEATIME,
    a_comment,
    about,
    html_of,
    written,
)

Theme = Literal["light", "dark"]
SHAPES: tuple[tuple[Theme, int, str], ...] = (
    ("light", 390, "de"),
    ("dark", 390, "en"),
    ("light", 900, "en"),
    ("dark", 900, "de"),
)
"""Theme, width in CSS pixels, language."""
_WORDS = """Good morning,

since 6:40 none of the label printers in hall 3 gets a job. We restarted the print service twice; \
the queue shows 214 jobs in state "waiting".

What we tried:
- a restart of the service
- another driver (8.2.1)

https://files.acme.example/logs/2026/11/23/a-path-without-any-space-in-it-that-does-not-break.log

Bob
"""
_OPENED = (NoticeKind.ACKNOWLEDGEMENT, NoticeKind.NEW_TICKET, NoticeKind.CRITICAL_CHANNEL)


def filled(kind: NoticeKind, language: str) -> str:
    """The HTML of a mail of a kind in which as much as possible is said."""
    changes: dict[str, Any] = {"language": language}
    if kind not in ABOUT_NO_TICKET:
        changes["about"] = about(
            participant=None if kind in NOT_ON_THE_TICKET else 70,
            subject="Label printers in hall 3 get no jobs",
            tier="gold",
            severity="High",
            severity_claimed="Critical",
            critical_claimed=kind in _OPENED,
            fields={"project_id": "blue-7"},
            missing=("environment", "error message"),
            due_at=TEATIME,
            channel="phone",
        )
    if kind in (*CARRY_A_COMMENT, NoticeKind.STATUS, NoticeKind.RECEIPT):
        by_staff = kind in (NoticeKind.COMMENT, NoticeKind.NEXT_STEPS)
        changes["comment"] = a_comment(
            _WORDS,
            by_staff=by_staff,
            name="Sam Support" if by_staff else "Bob",
            author="sam@help.example" if by_staff else "bob@acme.example",
            attachments=("print-server-2026-11-23.log", "photo of the queue.png"),
        )
    return html_of(written(kind, **changes))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for theme, width, language in SHAPES:
            page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=theme)
            for kind in NoticeKind:
                page.set_content(filled(kind, language))
                page.screenshot(path=folder / f"{kind}-{theme}-{width}.png", full_page=True)
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
