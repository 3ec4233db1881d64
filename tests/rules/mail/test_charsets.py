"""Bytes to text: labels are unreliable, and no byte is lost."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.mail import charsets


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        (b"\x93quoted\x94 \x80", "iso-8859-1", "“quoted” €"),
        ("镕".encode("gbk"), "gb2312", "镕"),
        ("①".encode("cp932"), "Shift_JIS", "①"),
        ("믜".encode("cp949"), "ks_c_5601-1987", "믜"),
        ("ไทย".encode("cp874"), "windows-874", "ไทย"),
        ("שלום".encode("iso8859_8"), "iso-8859-8-i", "שלום"),
        ("Grüße".encode("cp850"), "cp-850", "Grüße"),
        ("日本語".encode("iso2022_jp"), "ISO-2022-JP", "日本語"),
        ("中文".encode("gbk"), "x-gbk", "中文"),
        ("中文".encode("hz"), "HZ-GB-2312", "中文"),
        ("привет".encode("koi8_r"), "KOI8-R", "привет"),
        (b"\xef\xbb\xbfmarked", "utf-8", "marked"),
        ("marked".encode("utf-16"), "utf-16", "marked"),
    ],
)
def test_a_label_means_what_its_senders_mean(data: bytes, declared: str, text: str) -> None:
    assert charsets.decode(data, declared) == (text, False)


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("utf-8", "utf_8"),
        ("UTF_8", "utf_8"),
        ("US-ASCII", "ascii"),
        ("iso-8859-1", "cp1252"),
        ("ISO-8859-15", "iso8859_15"),
        ("windows-1252", "cp1252"),
        ("utf-7", ""),
        ("", ""),
    ],
)
def test_every_spelling_of_a_label_has_one_codec(label: str, codec: str) -> None:
    assert charsets.codec_for(label) == codec


@pytest.mark.parametrize("declared", ["", "us-ascii", "unknown-8bit", "x-foo", "utf-8"])
def test_utf8_is_recognised_whatever_is_declared(declared: str) -> None:
    assert charsets.decode("Grüße 日本".encode(), declared) == ("Grüße 日本", False)


@pytest.mark.parametrize("declared", ["", "us-ascii", "utf-8", "x-unheard-of"])
def test_other_bytes_are_guessed_to_be_western(declared: str) -> None:
    assert charsets.decode(b"M\xfcller \x80", declared) == ("Müller €", True)


def test_bytes_undefined_in_windows_1252_are_kept() -> None:
    assert charsets.decode(b"\x81\xfc") == ("\x81ü", True)


def test_one_invalid_byte_does_not_spoil_a_chinese_text() -> None:
    text = "这是一个很长的中文句子用来测试一个坏字节不会毁掉整段文字。"
    data = text.encode("gb18030") + b"\xff"
    assert charsets.decode(data, "gb2312") == (text + "ÿ", True)


@pytest.mark.parametrize("label", ["gb18030", "big5", "euc-jp", "johab", "utf-8"])
@pytest.mark.parametrize("before", [0, 1])
def test_a_long_text_with_a_few_invalid_bytes_is_read_in_pieces(label: str, before: int) -> None:
    """Wherever a piece ends, within a character too."""
    character = "한" if label == "johab" else "中"
    text = "x" * before + character * 5000
    damaged = text.encode(label) + b"\xff " + text.encode(label)
    decoded, guessed = charsets.decode(damaged, label)
    assert guessed
    assert decoded.count(character) == 10_000


@pytest.mark.parametrize("label", ["iso-2022-jp", "iso-2022-kr", "euc-jp", "hz", "johab", "big5"])
def test_a_long_text_of_invalid_bytes_is_given_up_early(
    label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each invalid byte takes over a microsecond, and the event loop waits."""
    escaped = codecs.lookup_error("surrogateescape")
    calls = []

    def counted(error: UnicodeError) -> tuple[str | bytes, int]:
        calls.append(error)
        return escaped(error)

    codecs.register_error("surrogateescape-counted", counted)
    monkeypatch.setattr(charsets, "ERRORS", "surrogateescape-counted")
    assert charsets.decode(b"\xff" * 60_000, label) == ("ÿ" * 60_000, True)
    assert 0 < len(calls) < 12_000


@pytest.mark.parametrize("label", ["", "iso-2022-jp", "utf-8", "x-foo"])
def test_escapes_without_letters_are_shown_as_they_came(label: str) -> None:
    assert charsets.decode(b"\x1b$B\x1b$B", label)[0] == "\x1b$B\x1b$B"


def test_japanese_escapes_are_recognised_without_a_label() -> None:
    assert charsets.decode("日本語".encode("iso2022_jp")) == ("日本語", True)


@pytest.mark.parametrize(
    "label",
    [
        "base64",
        "bz2",
        "charmap",
        "hex",
        "idna",
        "mbcs",
        "punycode",
        "quopri",
        "raw_unicode_escape",
        "rot13",
        "undefined",
        "unicode_escape",
        "unicode-1-1-utf-7",
        "utf-7",
        "UTF_7",
        "x-utf-7",
        "uu",
        "zlib",
        "../../etc",
        "",
        "a" * 10_000,
    ],
)
def test_codecs_other_than_charsets_are_never_used(label: str) -> None:
    assert charsets.codec_for(label) == ""
    assert charsets.decode(b"+AGE-\\u0041", label) == ("+AGE-\\u0041", False)


@settings(deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from(["", "utf-8", "gb2312", "utf-16", "hz", "iso-2022-kr"])
)
def test_every_byte_string_decodes_to_text_that_utf8_can_encode(data: bytes, declared: str) -> None:
    text, _ = charsets.decode(data, declared)
    text.encode("utf-8")


@settings(deadline=None)
@given(st.text(max_size=100))
def test_utf8_is_read_as_written(text: str) -> None:
    assert charsets.decode(text.encode(), "utf-8")[0] == text.removeprefix("\ufeff")


def test_a_label_in_a_page_is_found_behind_wide_gaps() -> None:
    page = b"<html>\n <head>\n <title>a b c</title>\n <meta charset=koi8-r>"
    assert charsets.declared_in_html(page.replace(b" ", b" " * 255 + b"\t" * 255)) == "koi8-r"
