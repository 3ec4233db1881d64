"""Texts without a usable label: their letters show the charset, and they are marked as guessed."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest

from rules.mail.charsets import decode_text
from rules.mail.detection import detected

LANGUAGES = tomllib.loads((Path(__file__).parent / "languages.toml").read_text())
IN_CHARSETS = [
    pytest.param(language["text"], charset, id=f"{name} in {charset}")
    for name, language in LANGUAGES.items()
    for charset in language["charsets"]
]


@pytest.mark.parametrize(("text", "charset"), IN_CHARSETS)
@pytest.mark.parametrize("label", ["", "us-ascii", "utf-8", "unknown-8bit"])
def test_a_text_in_any_of_these_languages_is_read(text: str, charset: str, label: str) -> None:
    assert decode_text(text.encode(charset), label) == (text, True)


@pytest.mark.parametrize(("text", "charset"), IN_CHARSETS)
def test_a_text_in_its_declared_charset_is_not_guessed(text: str, charset: str) -> None:
    assert decode_text(text.encode(charset), charset) == (text, False)


@pytest.mark.parametrize(
    "name", ["Bulgarian", "Chinese, simplified", "Greek", "Korean", "Russian", "Thai"]
)
def test_a_label_for_western_europe_is_not_believed_of_another_script(name: str) -> None:
    language = LANGUAGES[name]
    octets = language["text"].encode(language["charsets"][0])

    assert decode_text(octets, "iso-8859-1") == (language["text"], True)


@pytest.mark.parametrize(
    ("name", "charset", "label"),
    [
        ("Russian", "koi8_r", "windows-1251"),
        ("Russian", "cp1251", "koi8-r"),
        ("Russian", "iso8859_5", "windows-1251"),
        ("Chinese, traditional", "big5", "gb2312"),
        ("Japanese", "euc_jp", "gb2312"),
        ("Greek", "cp1253", "windows-1251"),
    ],
)
def test_a_text_that_no_language_looks_like_is_in_another_charset(
    name: str, charset: str, label: str
) -> None:
    text = LANGUAGES[name]["text"]

    assert decode_text(text.encode(charset), label) == (text, True)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("СЕРВЕР НЕ ОТВЕЧАЕТ С САМОГО УТРА", "koi8_r"),
        ("СЕРВЕР НЕ ОТВЕЧАЕТ С САМОГО УТРА", "cp1251"),
        ("┌──────────┐│ Ошибка ││ E17      │└──────────┘", "koi8_r"),
        ("龘靐齉齾爩鱻麤龗灪吁龖厵滟爨癵籱", "gb18030"),
        ("ｻｰﾊﾞｰﾆｾﾂｿﾞｸﾃﾞｷﾏｾﾝ。ｶｸﾆﾝｸﾀﾞｻｲ", "cp932"),
        ("Қазақстан серверi жауап бермейдi", "cp1251"),
    ],
)
def test_a_rare_text_in_its_declared_charset_is_believed(text: str, codec: str) -> None:
    octets = text.encode(codec, "ignore")

    assert decode_text(octets, codec) == (octets.decode(codec), False)


@pytest.mark.parametrize("text", ["Müller", "“quoted” – €5", "© Año\xa02026", "it’s fine…", "\xa0"])
def test_little_outside_ascii_is_western(text: str) -> None:
    assert decode_text(text.encode("cp1252")) == (text, True)


def test_a_word_of_a_long_english_text_does_not_hide_the_rest() -> None:
    text = "The server says nothing.\r\n" * 5_000 + "Ошибка подключения к серверу\r\n"

    assert decode_text(text.encode("cp1251")) == (text, True)


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(0x80, 0x100)) * 4_000,
        b"\xff\n" * 250_000,
        b"\xe0" * 500_000,
        b"a\xe0 " * 170_000,
        "中".encode("gb18030") * 250_000,
    ],
)
def test_detection_takes_no_longer_for_a_longer_text(data: bytes) -> None:
    def seconds(octets: bytes) -> float:
        began = time.process_time()
        detected(octets)
        return time.process_time() - began

    detected(data[:4_000])  # charset-normalizer is imported where it is needed
    assert min(seconds(data) for _ in range(3)) < 0.04
