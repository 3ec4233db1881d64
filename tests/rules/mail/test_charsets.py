"""Bytes to text: labels are unreliable, and no byte is lost."""

from __future__ import annotations

import codecs
import time

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
        ("Straße".encode("utf-16-be"), "utf-16", "Straße"),
        ("Straße".encode("utf-16-le"), "utf-16", "Straße"),
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
        ("'utf-8';", "utf_8"),
        ("win-1251", "cp1251"),
        ("dos-866", "cp866"),
        ("8859-1", "cp1252"),
        ("iso-8859-2http-equiv", "iso8859_2"),
        ("windows-1251http", "cp1251"),
        ("utf-8http", "utf_8"),
        ("utf-8859-1", ""),
        ("cp50220", "iso2022_jp_ext"),
        ("x-mac-ce", "mac_latin2"),
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


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("iso-8859-1", "Größe"),
        ("iso-8859-1", "it’s here"),
        ("windows-1252", "日本"),
        ("macintosh", "Große Straße für"),
        ("windows-1251", "Привет"),
        ("gb2312", "无法打印"),
        ("shift_jis", "印刷できません"),
        ("utf-16", "Straße"),
        ("utf-16", "plain"),
    ],
)
def test_utf8_with_another_label_is_utf8(declared: str, text: str) -> None:
    assert charsets.decode(text.encode(), declared) == (text, False)


@pytest.mark.parametrize(
    ("declared", "codec", "text"),
    [
        ("iso-8859-1", "cp1252", "Ã¤ stands for ä"),
        ("gb2312", "gb18030", "模"),
        ("windows-1251", "cp1251", "Рђ"),
        ("utf-16", "utf-16-le", "ab"),
        ("utf-16", "utf-16", "Grüße"),
    ],
)
def test_what_only_may_be_utf8_is_in_the_declared_charset(
    declared: str, codec: str, text: str
) -> None:
    assert charsets.decode(text.encode(codec), declared) == (text, False)


def test_octets_without_a_label_are_in_the_charset_that_the_mail_declares_elsewhere() -> None:
    for text, codec in (("打印机", "gb18030"), ("プリンタ", "cp932"), ("Ошибка", "cp1251")):
        assert charsets.decode(text.encode(codec), "", ("x-unknown", codec))[0] == text
    assert charsets.decode("ü".encode(), "", ("shift_jis",)) == ("ü", False)
    assert charsets.decode(b"M\xfcller", "", ("utf-16", "utf-7", "iso-8859-15")) == ("Müller", True)


def test_utf7_is_read_only_of_a_text_and_then_counts_as_guessed() -> None:
    octets = b"Gr+APwA3w-e +ADw-b+AD4-"

    assert charsets.decode_text(octets, "UTF-7") == ("Grüße <b>", True)
    assert charsets.decode_text(octets, "unicode-1-1-utf-7") == ("Grüße <b>", True)
    assert charsets.decode_text(b"+AGE", "utf-7") == ("a", True)
    assert charsets.decode_text(b"1 - 2 = -1", "utf-7") == ("1 - 2 = -1", False)
    assert charsets.decode(octets, "utf-7") == (octets.decode(), False)
    assert charsets.decode_text(octets) == (octets.decode(), False)


@pytest.mark.parametrize(
    ("label", "readable"),
    [
        ("", True),
        ("koi8-r", True),
        ("utf-16", False),
        ("cp037", False),
        ("utf-7", False),
        ("x-foo", True),
        ("iso-2022-jp", True),
    ],
)
def test_some_charsets_do_not_read_ascii_as_it_stands(label: str, readable: bool) -> None:
    assert charsets.reads_ascii(label) is readable


def test_bytes_undefined_in_windows_1252_are_kept() -> None:
    assert charsets.decode(b"\x81\xfc") == ("\x81ü", True)


def test_a_few_invalid_bytes_do_not_spoil_a_western_text() -> None:
    data = "Die Pumpe läuft nicht, schöne Grüße".encode() + b" \xe9t\xe9"
    text = "Die Pumpe läuft nicht, schöne Grüße été"

    assert charsets.decode_text(data, "utf-8") == (text, True)


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


KATAKANA = b"\x1b(I6@6E\x1b(B"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b$B-!-5\x1b(B", "①Ⅰ"),
        (b"\x1b$B-!\x1b(J A\x1b$@F|K\\\x1b(B.", "① A日本."),
        (b"\x1b$B-j\x1b(B (x)\r\n\x1b$B-!\x1b(B", "㈱ (x)\r\n①"),
        (KATAKANA + b"\x1b$B-!\x1b(B", "ｶﾀｶﾅ①"),
        (b"\x1b$B-!\r\nx", "①\r\nx"),
    ],
)
def test_japanese_is_read_with_the_characters_that_windows_adds(data: bytes, text: str) -> None:
    assert charsets.decode(data, "iso-2022-jp") == (text, False)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xad\xa1 \xc6\xfc\xcb\xdc", "① 日本"),
        (b"\xad\xea A\r\n\x8e\xb6\x8e\xc5", "㈱ A\r\nｶﾅ"),
        (b"\xad\xa1\x8f\xb0\xa1", "①丂"),
    ],
)
def test_so_is_euc(data: bytes, text: str) -> None:
    assert charsets.decode(data, "euc-jp") == (text, False)


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (b"\xad\xa1a" * 200_000, "euc-jp"),
        (b"\xad\xa1" + b"\xa4\xa2a" * 200_000, "euc-jp"),
        (b"\x1b$B-!\x1b(Ba" * 100_000, "iso-2022-jp"),
        (b"\x1b$B " * 150_000, "iso-2022-jp"),
    ],
)
def test_each_change_of_their_charset_takes_no_time_of_its_own(data: bytes, label: str) -> None:
    """It took seven seconds and a hundred times the memory of such a text of three megabytes."""
    began = time.process_time()
    charsets.decode_text(data, label)
    assert time.process_time() - began < 0.5


def test_more_characters_of_windows_than_a_mail_has_are_kept_as_they_came() -> None:
    few, many = (b"\xad\xa1 " * number for number in (5_000, 5_001))

    assert charsets.decode(few, "euc-jp") == ("① " * 5_000, False)
    assert charsets.decode(many, "euc-jp")[1]


@pytest.mark.parametrize(
    "data", [b"\x1b$B-\x1b(B", b"\x1b$B\x20\x81\x1b(B", b"\x1b$B\xff\xff\x1b(B"]
)
def test_broken_japanese_is_kept_as_it_came(data: bytes) -> None:
    text, guessed = charsets.decode(data, "iso-2022-jp")
    assert "\x1b" in text or guessed


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
@given(st.binary(max_size=200), st.sampled_from(["", "iso-8859-1", "iso-2022-jp", "utf-7", "big5"]))
def test_every_body_decodes_to_text_that_utf8_can_encode(data: bytes, declared: str) -> None:
    text, _ = charsets.decode_text(data, declared, ("koi8-r",))
    text.encode("utf-8")


@settings(deadline=None)
@given(st.text("日本語かなカナ漢字ｶﾅabc 12\n①②㈱髙﨑~", max_size=40))
def test_what_windows_writes_in_japanese_is_read_back(text: str) -> None:
    octets = b"".join(_as_iso_2022_jp(letter) for letter in text)
    assert charsets.decode(octets, "iso-2022-jp")[0] == text


def _as_iso_2022_jp(letter: str) -> bytes:
    """A letter as cp50221 has it, between its escapes."""
    if letter.isascii():
        return letter.encode()
    octets = letter.encode("cp932")
    if len(octets) == 1:
        return b"\x1b(I" + bytes([octets[0] & 0x7F]) + b"\x1b(B"
    lead, trail = octets
    row = (lead - (0x81 if lead < 0xA0 else 0xC1)) * 2 + 0x21 + (trail >= 0x9F)
    cell = trail - 0x7E if trail >= 0x9F else trail - (0x1F if trail < 0x7F else 0x20)
    if row > 0x7E:  # of the rows of IBM, those of NEC are sent
        return b"\x1b$B" + {"髙": b"|b", "﨑": b"yu"}[letter] + b"\x1b(B"
    return b"\x1b$B" + bytes((row, cell)) + b"\x1b(B"


@settings(deadline=None)
@given(st.text(max_size=100))
def test_utf8_is_read_as_written(text: str) -> None:
    assert charsets.decode(text.encode(), "utf-8")[0] == text.removeprefix("\ufeff")


def test_a_label_in_a_page_is_found_behind_wide_gaps() -> None:
    page = b"<html>\n <head>\n <title>a b c</title>\n <meta charset=koi8-r>"
    assert charsets.declared_in_html(page.replace(b" ", b" " * 255 + b"\t" * 255)) == "koi8-r"
