"""No text makes the search for quotes slow: each line costs little, and so do all together."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rules.mail import attributions, extent, quoting
from rules.mail.quoting import REPLY_MARK, own_text, published, visible

SIZE = 1_000_000
"""Characters, of which the rules read the first 5,000 lines or 262,144 characters."""
LIMIT_S = 0.4
"""0.1 s are the goal, and most take less than half of it; the machine of the tests may be slow."""
FAST_S = 0.05
FAMILIES: dict[str, Callable[[int], str]] = {
    "prose": lambda n: "We looked at the pump on Monday and it was on, as Bob wrote to us.\n" * n,
    "one line": lambda n: "word " * 20 * n,
    "On": lambda n: "On \n" * n,
    "On on one line": lambda n: "On " * 20 * n,
    "On … wrote": lambda n: "".join(f"On {i} x wrote:\n" for i in range(n)),
    "From": lambda n: "".join(f"From: a{i}\n" for i in range(n)),
    "From and text": lambda n: "".join(f"From: a{i}\nno\n" for i in range(n // 2)),
    "fields": lambda n: "Subject: a\nDate: b\nTo: c\n" * (n // 3),
    "quoted": lambda n: "> a\n" * n,
    "quoted and text": lambda n: "> a\nb\n" * (n // 2),
    "deeply quoted": lambda n: "> " * 100 * (n // 5) + "\n",
    "empty lines": lambda n: "\n" * n,
    "spaces": lambda n: " " * 50 * n,
    "dashes": lambda n: "--\n" * n,
    "one rule": lambda n: "-" * 50 * n,
    "wrapped": lambda n: "".join(
        f"On Mon {i} Nov 2026 at\n8:01 Sam <\ns@h.example> our and my wrote:\n"
        for i in range(n // 3)
    ),
    "addresses": lambda n: "".join(f"a{i}@b.example our c wrote:\n" for i in range(n)),
    "at signs": lambda n: (f"{'@' * 300} 2026 wrote:\n") * n,
    "brackets": lambda n: (f"{'«' * 300} @ 2026 wrote:\n") * n,
    "quotation marks": lambda n: '"' * 50 * n,
    "original messages": lambda n: "--- Original Message ---\nx\n" * (n // 2),
    "original, wrote": lambda n: "".join(
        f"--- Original Message ---\nOn {i} Nov 2026 8:01 x wrote:\n" for i in range(n // 2)
    ),
    "no colons": lambda n: "".join(f"From a{i}@b.example\nTo b\n" for i in range(n // 2)),
    "between dashes": lambda n: "".join(f"--{i} a@b.example our wrote: -\n" for i in range(n)),
    "commands and quoted": lambda n: "#x\n" * (n // 3) + "a\n\n" + "> b\n" * (n // 3) + "c\n",
    "Cyrillic initials": lambda n: "АБ> x\nwrote:\n" * (n // 2),
    "initials": lambda n: "AB> x\nwrote:\n" * (n // 2),
    "pipes": lambda n: "| x\n" * n,
    "marks of direction": lambda n: ("\u200f\u202a" * 180 + "x wrote:\n") * n,
    "client lines": lambda n: "Sent from my iPhone\n" * n,
    "Chinese": lambda n: "在2026年写道：于\n" * n,
    "joined": lambda n: ("a. On b. On c@d. On " * 18 + " wrote:\n") * n,
    "GroupWise": lambda n: "".join(f">>> x 2026 {i} y >>>\n" for i in range(n)),
    "a mix": lambda n: "On wrote:\na@b wrote\n1 x:\n>\n---- Forwarded:\nFrom: a\n" * (n // 6),
}
WORK: dict[str, Callable[[str], object]] = {
    "visible": visible,
    "published": lambda text: published(text, REPLY_MARK),
}

REMEMBERED = (
    quoting._layout_of_short,
    quoting._layout_of_long,
    quoting.published,
    attributions._certainty,
    extent._read_short,
    extent._read_long,
)


def cost(work: Callable[[str], object], text: str) -> float:
    """The CPU seconds of a run with nothing remembered from before; the fastest of three if it is
    not fast at once."""
    taken: list[float] = []
    while len(taken) < 3 and min(taken, default=1) > FAST_S:
        for cache in REMEMBERED:
            cache.cache_clear()
        began = time.process_time()
        work(text)
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("work", WORK)
def test_a_megabyte_of_anything_takes_little_time(work: str, family: str) -> None:
    unit = len(FAMILIES[family](60)) / 60
    text = FAMILIES[family](int(SIZE / unit))
    assert len(text) > SIZE * 0.8
    assert cost(WORK[work], text) < LIMIT_S


@pytest.mark.parametrize("family", FAMILIES)
def test_the_time_grows_no_faster_than_the_text(family: str) -> None:
    few, many = FAMILIES[family](480), FAMILIES[family](4_800)
    assert cost(visible, many) < 30 * max(cost(visible, few), 0.001)


def test_the_layout_of_a_text_is_found_once_for_all_that_ask() -> None:
    texts = [f"Number {n} is broken.\n\nOn 20.11.2026 Ann wrote:\n> Which?\n" for n in range(20)]
    quoting._layout_of_short.cache_clear()
    for text in texts:
        assert own_text(text) == text.partition("\n")[0]
    for text in texts:  # of 20 mails that are received at the same time
        visible(text)
    assert quoting._layout_of_short.cache_info().misses == len(texts)
