"""Decodes the bytes of a mail to text, whatever charset the mail declares.

Labels are unreliable: `gb2312` is really GBK, `iso-8859-1` Windows-1252, and `us-ascii` anything.
A label is therefore widened to the superset that mailers really send and tried strictly, unless the
bytes contradict it; if that fails, the charset is guessed. No byte is ever dropped.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from encodings.aliases import aliases
from types import MappingProxyType

from rules.mail.detection import detected, likelier
from rules.mail.japanese import decode_wider

# Codecs that interpret more than characters (escapes, compression, DNS labels): no mail needs
# them. UTF-7 can smuggle ASCII past a filter, so only `decode_text` reads it, before any filter,
# and marks the text.
_NEVER = frozenset(
    {
        "base64_codec",
        "bz2_codec",
        "charmap",
        "hex_codec",
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "quopri_codec",
        "raw_unicode_escape",
        "rot_13",
        "undefined",
        "unicode_escape",
        "utf_7",
        "uu_codec",
        "zlib_codec",
    }
)

# Text codecs of the standard library that have no alias there.
_WITHOUT_ALIAS = (
    "cp720",
    "cp737",
    "cp856",
    "cp874",
    "cp875",
    "cp1006",
    "koi8_r",
    "koi8_t",
    "koi8_u",
    "mac_arabic",
    "mac_farsi",
    "utf_8_sig",
)

# Left the label as mail declares it, right the codec that its senders mean.
_SUPERSETS = {
    "ansi": "cp1252",
    "ansi_x3_4_1968": "ascii",
    "big5": "big5hkscs",
    "big5_hkscs": "big5hkscs",
    "chinesebig5": "big5hkscs",
    "cn_big5": "big5hkscs",
    "cp932": "cp932",
    "cp936": "gb18030",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312_80": "gb18030",
    "gb18030_2000": "gb18030",
    "gbk": "gb18030",
    "8859_1": "cp1252",
    "cn_gb": "gb18030",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "cp51932": "euc_jp",
    "euc_gb": "gb18030",
    "eucjp_win": "euc_jp",
    "hebrew_iso_8859_8": "iso8859_8",
    "iso_2022_jp_ms": "iso2022_jp_ext",
    "iso_8859_8_logical": "iso8859_8",
    "koi8": "koi8_r",
    "koi8_ru": "koi8_u",
    "ks_c_5601_1989": "cp949",
    "sjis_win": "cp932",
    "ucs_2": "utf_16",
    "utf_8_bom": "utf_8",
    "utf_8_mac": "utf_8",
    "windows_31j": "cp932",
    "x_mac_ce": "mac_latin2",
    "iso_2022_jp": "iso2022_jp_ext",
    "iso_8859_1": "cp1252",
    "iso_8859_6_i": "iso8859_6",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_9": "cp1254",
    "iso_8859_11": "cp874",
    "ks_c_5601": "cp949",
    "ks_c_5601_1987": "cp949",
    "ksc5601": "cp949",
    "latin1": "cp1252",
    "logical": "iso8859_8",
    "macintosh": "mac_roman",
    "ms_kanji": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "tis_620": "cp874",
    "unicode": "utf_16",
    "unicode_1_1_utf_8": "utf_8",
    "utf8mb4": "utf_8",
    "visual": "iso8859_8",
    "windows_874": "cp874",
    "windows_936": "gb18030",
    "windows_949": "cp949",
}

# The same widening by codec, for every other spelling of the labels.
_SUPERSET_CODECS = {
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso2022_jp": "iso2022_jp_ext",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "latin_1": "cp1252",
    "shift_jis": "cp932",
    "tis_620": "cp874",
}


def _known_labels() -> Mapping[str, str]:
    """Every supported label with its codec.

    A closed table, because the codec registry caches each unknown name for ever, and the names come
    from senders.
    """
    codecs = {codec: codec for codec in (*aliases.values(), *_WITHOUT_ALIAS)}
    labels = {**codecs, **aliases}
    kept = {
        label: _SUPERSET_CODECS.get(codec, codec)
        for label, codec in labels.items()
        if codec not in _NEVER
    }
    spelled = {**kept, **_SUPERSETS}
    run_together = {label.replace("_", ""): codec for label, codec in spelled.items()}
    return MappingProxyType({**run_together, **spelled})


_LABELS = _known_labels()
_CODE_PAGE = re.compile(r"(?:win|windows|ms|dos|ibm)([0-9]{3,4})\Z")
_GLUED = re.compile(
    r"((?:iso8859|windows|koi8|utf)(?:1[0-6]?|[2-9](?![0-9])|r|u|125[0-8]))(?![0-9])"
)
_NOT_LABEL = re.compile(r"[^a-z0-9]+")
_MULTIBYTE = re.compile(r"utf_8|gb18030|big5|cp9(?:32|49|50)|euc_|johab|shift_jis|hz|iso2022")
_ESCAPED = re.compile("[\udc80-\udcff]+")
_PIECE_BYTES = 4096
ERRORS = "surrogateescape"
"""How invalid bytes are kept, to be read in another charset."""
_WESTERN = frozenset({"cp1252", "latin_1", "iso8859_14", "iso8859_15"})
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_C1 = re.compile("[\x80-\x9f]")
_ASCII_TEXT = b"A \t\r\n."
_UTF_7 = frozenset({"utf7", "unicode11utf7", "csutf7", "csunicode11utf7"})
# Stateful Japanese, Korean or Chinese text is recognised by its escapes even without a label.
_ISO_2022 = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_ext"))
_BOMS = (
    (b"\xef\xbb\xbf", "utf_8_sig"),
    (b"\xff\xfe\x00\x00", "utf_32"),
    (b"\x00\x00\xfe\xff", "utf_32"),
    (b"\xff\xfe", "utf_16"),
    (b"\xfe\xff", "utf_16"),
)


def codec_for(label: str) -> str:
    """The codec for a charset label as mail writes it; empty if the label is unknown."""
    return _USUAL.get(label) or _codec_for(label)


def _codec_for(label: str) -> str:
    plain = _plain(label)
    together = _run_together(plain)
    found = _LABELS.get(plain, "") or _LABELS.get(together, "")
    if not found and (page := _CODE_PAGE.match(together) or _GLUED.match(together)):
        # `win1251`; or `iso-8859-1http-equiv`, from a page whose label nothing ends
        return _LABELS.get(f"cp{page[1]}" if page.re is _CODE_PAGE else page[1], "")
    return found


def _plain(label: str) -> str:
    return _NOT_LABEL.sub("_", label[:64].lower()).strip("_")


def _run_together(plain: str) -> str:
    return plain.removeprefix("x_").replace("_", "")


def _is_utf_7(label: str) -> bool:
    return bool(label) and _run_together(_plain(label)) in _UTF_7


# The usual spellings of nearly all mail; a closed table for the same reason as above.
_USUAL = MappingProxyType(
    {
        label: _codec_for(label)
        for name in ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")
        for label in (name, name.upper())
    }
)


# A page that declares UTF-16 in readable ASCII is not in UTF-16.
_META_CHARSET = re.compile(rb"(?i:charset\s{0,8}=\s{0,8}[\"']?(?!utf-16)([\w.:-]{1,40}))")


def declared_in_html(content: bytes) -> str:
    """The label that a page declares in its first 2 KiB; empty if there is none. White space counts
    as one space: a signed page can be sent again with wider gaps."""
    meta = _META_CHARSET.search(b" ".join(content[: 64 * 1024].split())[:2048])
    return meta[1].decode("ascii", "replace") if meta else ""


def reads_ascii(label: str) -> bool:
    """Whether ASCII with this label is read as it stands, however much white space is in it."""
    codec = codec_for(label) or "ascii"
    return not _is_utf_7(label) and _decode_strictly(_ASCII_TEXT, codec) == _ASCII_TEXT.decode()


def decode(data: bytes, declared: str = "", others: Sequence[str] = ()) -> tuple[str, bool]:
    """The text of `data`, and whether its charset had to be guessed.

    Order: the declared charset, unless the bytes contradict it; a byte order mark or UTF-8;
    ISO-2022 by its escapes; the declared multi-byte charset with a few invalid bytes; `others`,
    which the same mail declares elsewhere; Windows-1252; ISO-8859-1. Never fails, and the text
    contains no lone surrogate.
    """
    if not declared and data.isascii() and b"\x1b" not in data:
        return data.decode("ascii"), False
    return _decode(data, declared, others, None)


def decode_text(data: bytes, declared: str = "", others: Sequence[str] = ()) -> tuple[str, bool]:
    """The same of a text: before Windows-1252, its charset is detected by its letters. Text in
    UTF-7 counts as guessed, so that nobody takes it for what the sender's reader showed."""
    if "7" in declared and _is_utf_7(declared):
        text = _decode_strictly(data, "utf_7")
        if text is not None:
            return text, text.encode() != data
    return _decode(data, declared, others, detected)


def _decode(
    data: bytes, declared: str, others: Sequence[str], detect: Callable[[bytes], str] | None
) -> tuple[str, bool]:
    text: str | None
    codec = codec_for(declared) if declared else ""
    if codec == "utf_16" and data[::2].count(0) > data[1::2].count(0):
        codec = "utf_16_be"  # its usual order where no mark says so (RFC 2781 §4.3)
    if data.isascii() and b"\x1b" not in data and codec in ("", "ascii", "utf_8", "cp1252"):
        return data.decode("ascii"), False
    # Bytes with escapes are valid ASCII and UTF-8 too, so the escapes are tried first.
    if codec in ("", "ascii", "utf_8") and b"\x1b$" in data and (text := _by_escapes(data)):
        return text, True
    unicode = "utf_8" if _is_utf_8_despite(data, codec) else ""
    boms = (bom for mark, bom in _BOMS if data.startswith(mark))
    for name in filter(None, (unicode, codec, *boms, "utf_8")):
        text = _decode_strictly(data, name)
        likely = likelier(data, name) if text and name == codec and detect is not None else ""
        if likely and (other := _decode_strictly(data, likely)):
            return other, True
        if text or (text is not None and b"\x1b" not in data):  # nothing but escapes is no text
            # A byte order mark is not text, whichever codec left it there.
            return text.removeprefix("\ufeff"), False
    return _guessed(data, codec, others, detect)


def _guessed(
    data: bytes, codec: str, others: Sequence[str], detect: Callable[[bytes], str] | None
) -> tuple[str, bool]:
    text = _decode_mostly_valid(data, codec if _MULTIBYTE.match(codec) else "utf_8")
    if text is not None:
        return text, True
    for label in others:
        other = codec_for(label)
        if not other or other == codec or not reads_ascii(label):
            continue
        text = _decode_strictly(data, other)
        if text:
            # Valid characters of several octets each are hardly in another charset.
            return text, not _MULTIBYTE.match(other)
    found = detect(data) if detect is not None else ""
    text = _decode_mostly_valid(data, found) or (_decode_strictly(data, found) if found else None)
    return text or _decode_single_bytes(data), True


def _by_escapes(data: bytes) -> str:
    """The text in an ISO-2022 charset that its escapes show; empty if it is none."""
    texts = (_decode_strictly(data, name) for mark, name in _ISO_2022 if mark in data)
    return next(filter(None, texts), "")


def _is_utf_8_despite(data: bytes, codec: str) -> bool:
    """Whether these bytes are UTF-8, whatever they could be in the declared charset as well: macOS
    and old programs label them so. Few bytes may be either by chance."""
    if not codec or codec.startswith(("utf_8", "iso2022", "hz", "ascii")):
        return False
    if codec.startswith(("utf_16", "utf_32")):
        return b"\0" not in data and not data.startswith(_WIDE_MARKS) and _is_utf_8(data)
    text = None if data.isascii() else _decode_strictly(data, "utf_8")
    if text is None or _C1.search(text):
        return False
    if codec in _WESTERN:
        return True
    letters = sum(letter > "\x7f" for letter in text)
    if _MULTIBYTE.match(codec):
        wide = sum(letter > "\u07ff" for letter in text)
        return wide > 1 and wide * 2 >= letters
    return letters > 2


def _is_utf_8(data: bytes) -> bool:
    return _decode_strictly(data, "utf_8") is not None


def _decode_strictly(data: bytes, codec: str) -> str | None:
    text: str | None
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        text = decode_wider(data, codec)
        if text is None:
            return None
    return text if text.isascii() or _is_encodable(text) else None


def _is_encodable(text: str) -> bool:
    """Whether it has no lone surrogate, which would break every consumer of UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _decode_mostly_valid(data: bytes, codec: str) -> str | None:
    """Text in a multi-byte charset in which at most one in ten non-ASCII characters is invalid, in
    UTF-8 one in three.

    Invalid bytes are decoded as Windows-1252, so nothing is lost.
    """
    if not _MULTIBYTE.match(codec):
        return None
    text = _decode_with_escapes(data, codec)
    # An octet that is valid in UTF-8 by chance is rarer than one in the others.
    share = 3 if codec == "utf_8" else 10
    if text is None or _escaped(text) * share > len(text) - len(text.encode("ascii", "ignore")):
        return None
    text = _ESCAPED.sub(
        lambda found: _decode_single_bytes(found[0].encode("ascii", "surrogateescape")), text
    )
    return text if _is_encodable(text) else None


def _decode_with_escapes(data: bytes, codec: str) -> str | None:
    """The text with its invalid bytes escaped; None once they are more than one in ten bytes: each
    takes over a microsecond."""
    decoder = codecs.getincrementaldecoder(codec)(ERRORS)
    pieces, most, escaped = [], len(data) // 10, 0
    for start in range(0, len(data), _PIECE_BYTES):
        piece = data[start : start + _PIECE_BYTES]
        try:
            pieces.append(decoder.decode(piece, start + _PIECE_BYTES >= len(data)))
        except (UnicodeError, ValueError):
            return None
        escaped += _escaped(pieces[-1])
        if escaped > most:
            return None
    return "".join(pieces)


def _escaped(text: str) -> int:
    """The number of invalid bytes in a text in which they are escaped."""
    return len(text) - len(text.encode("utf-8", "ignore").decode())


def _decode_single_bytes(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        # Five bytes are undefined in Windows-1252; ISO-8859-1 defines all of them.
        return data.decode("latin-1")
