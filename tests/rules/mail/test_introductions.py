"""What introduces a quote in a staff person's reply reaches no customer, in any language."""

from __future__ import annotations

import pytest

from rules.mail.quoting import REPLY_MARK, published

DESK = "support+aeaaaaaaiuaaaaaaz4ankouvcqo4jvw3ze7a@help.example"
INTRODUCTIONS = {
    "Finnish": f"ke 2. jouluk. 2026 klo 14.05 Tuki ({DESK}) kirjoitti:",
    "Czech": f"st 2. 12. 2026 v 14:05 odesílatel Podpora <{DESK}> napsal:",
    "Turkish": f"Destek <{DESK}>, 2 Ara 2026 Çar, 14:05 tarihinde şunu yazdı:",
    "Japanese": f"2026年12月2日(水) 14:05 サポート <{DESK}>:",
    "Chinese": f"支持 <{DESK}> 于2026年12月2日周三 14:05写道：",
    "Korean": f"2026년 12월 2일 (수) 오후 2:05, 지원 <{DESK}>님이 작성:",
    "Hungarian": f"Ügyfélszolgálat <{DESK}> ezt írta (időpont: 2026. dec. 2., Sze, 14:05):",
    "Hebrew": f"\u200fבתאריך 2 בדצמ׳ 2026 מאת \u202aתמיכה\u202c <\u202a{DESK}\u202c>:\u200f",
    "wrapped": f"ke 2. jouluk. 2026 klo 14.05 Tuki\n({DESK}) kirjoitti:",
    "wrapped before its end": f"Στις Τετ 2 Δεκ 2026, ο/η Υποστήριξη <{DESK}>\nέγραψε:",
    "Chinese block": f"发件人: 支持 <{DESK}>\n发送时间: 2026年12月2日\n收件人: S\n主题: X",
    "Japanese block": f"差出人：サポート <{DESK}>\n送信日時：2026年12月2日\n宛先：S\n件名：X",
}
OWN = "Please restart it."


@pytest.mark.parametrize("written", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
@pytest.mark.parametrize("quote", [f"> {REPLY_MARK}\n> private", f"{REPLY_MARK}\n\nprivate"])
def test_only_the_words_above_it_are_published(written: str, quote: str) -> None:
    assert published(f"{OWN}\n\n{written}\n\n{quote}", REPLY_MARK) == OWN


@pytest.mark.parametrize(
    "own",
    [
        "Please do this:",
        "Please try these steps:\n1. restart it\n2. wait",
        "Write to ann@acme.example, please.",
        "Two things:\nHost: print.example\nPort: 515",
        "Host: print.example\nPort: 515\nUser: ann@acme.example",
        "Ask ann@acme.example:\nShe knows.",
    ],
)
def test_the_authors_own_words_above_a_quote_stay(own: str) -> None:
    assert published(f"{own}\n\n> {REPLY_MARK}\n> private", REPLY_MARK) == own


def test_without_a_quote_below_nothing_is_left_out() -> None:
    text = f"{OWN}\n\nYou can ask ann@acme.example:"

    assert published(f"{text}\n\n", REPLY_MARK) == text
