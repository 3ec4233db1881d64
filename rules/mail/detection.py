"""Which charset bytes without a usable label are in: by the letters that come out of them.

A language has few letters of its own, and uses some of them often. So bytes are read in each
charset that mail was written in before UTF-8, and the reading whose letters are those of a language
is taken. Of a text in none of these languages, charset-normalizer finds the charset.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

SAMPLE_BYTES = 2048
"""Of the lines with letters outside ASCII: enough for any of these languages, and little work."""
_LEAST_LIKELY = 0.8
_FEW = 4
_MARGIN = 0.06
"""So much likelier must a text be in another charset than in its declared one."""
_RANK = 0.005
"""Of readings that are as likely, the one in the more usual charset is taken."""
_FALLBACK_LEAST_OCTETS = 16
"""In fewer octets outside ASCII, charset-normalizer finds any charset."""


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """The letters outside ASCII of a language, in lower case."""

    letters: str
    often: str = ""
    """Those that make up more than half of a text in a script of its own."""


_SIGNS = frozenset("«»„“”‚‘’–—…•€£§°№©®™´ªº¿¡·\xa0\xad")
_RUSSIAN = _Alphabet("абвгдежзийклмнопрстуфхцчшщъыьэюяё", "оеаинтсрвл")
_UKRAINIAN = _Alphabet("абвгґдеєжзиіїйклмнопрстуфхцчшщьюяыэё'", "оаниітрвес")
_SERBIAN = _Alphabet("абвгдђежзијклљмнњопрстћуфхцчџшѓќѕўё", "аоиенртсјк")
_GREEK = _Alphabet("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ", "αοιετσνηυρ")
_HEBREW = _Alphabet("אבגדהוזחטיךכלםמןנסעףפץצקרשת", "יוהלאתרמשב")
_ARABIC = _Alphabet("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ،؟؛ـًٌٍَُِّْ", "اليمنوتهرب")
_THAI = _Alphabet("".join(map(chr, (*range(0xE01, 0xE3B), *range(0xE3F, 0xE5C)))), "านรอกเงมยล่วี")

_LATIN = MappingProxyType(
    {
        "cp1252": (
            "äöüß",
            "éèêëàâçîïôûùüÿœæ",
            "áéíóúüñ",
            "àèéìòù",
            "ãõáéíóúâêôçà",
            "áéëïíóöúü",
            "åäöé",
            "åæøé",
            "áðéíóúýþæö",
        ),
        "cp1250": (
            "ąćęłńóśźż",
            "áčďéěíňóřšťúůýž",
            "áäčďéíĺľňóôŕšťúýž",
            "áéíóöőúüű",
            "čćđšž",
            "ăâîşţ",
            "äöüß",
        ),
        "iso8859_2": (
            "ąćęłńóśźż",
            "áčďéěíňóřšťúůýž",
            "áäčďéíĺľňóôŕšťúýž",
            "áéíóöőúüű",
            "čćđšž",
            "ăâîşţ",
        ),
        "cp1254": ("çğıöşüâî",),
        "cp1257": ("āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž"),
        "cp850": ("äöüß", "éèêëàâçîïôûùüœæ", "áéíóúüñ", "åæøé"),
        "cp852": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű"),
    }
)
_OTHERS = MappingProxyType(
    {
        "cp1251": (_RUSSIAN, _UKRAINIAN, _SERBIAN),
        "koi8_r": (_RUSSIAN,),
        "koi8_u": (_UKRAINIAN,),
        "iso8859_5": (_RUSSIAN, _SERBIAN),
        "cp866": (_RUSSIAN,),
        "mac_cyrillic": (_RUSSIAN,),
        "cp1253": (_GREEK,),
        "iso8859_7": (_GREEK,),
        "cp1255": (_HEBREW,),
        "cp1256": (_ARABIC,),
        "iso8859_6": (_ARABIC,),
        "cp874": (_THAI,),
    }
)
_WESTERN = frozenset({"cp1252", "latin_1", "iso8859_14", "iso8859_15"})
_EAST_ASIAN = ("euc_jp", "cp932", "cp949", "gb18030", "big5hkscs")
_ASCII_LETTERS = string.ascii_letters.encode()
_HIGH = bytes(range(0x80, 0x100))
_HIGH_OCTETS = re.compile(rb"[\x80-\xff]+")


def detected(data: bytes) -> str:
    """The codec of a text in bytes that are not UTF-8; empty if none is likely."""
    sample = _sample(data)
    octets = sum(map(len, _HIGH_OCTETS.findall(sample)))
    if not octets:
        return ""
    likelihood, codec = max(
        (*_east_asian(sample), *_by_letters(sample)), key=lambda each: each[0], default=(0.0, "")
    )
    if likelihood >= _LEAST_LIKELY:
        return codec
    return _by_library(sample) if octets >= _FALLBACK_LEAST_OCTETS else ""


def likelier(data: bytes, codec: str) -> str:
    """The codec of a text that no language looks like in its declared one; empty if there is none,
    and for little text outside ASCII."""
    if len(data) - len(data.translate(None, _HIGH)) < _FALLBACK_LEAST_OCTETS:
        return ""
    sample = _sample(data)
    octets = b"".join(_HIGH_OCTETS.findall(sample))
    own = _likelihood(sample, octets, codec) if len(octets) >= _FALLBACK_LEAST_OCTETS else 1.0
    if own > 1 - _MARGIN:
        return ""
    likelihood, found = max((*_east_asian(sample), *_by_letters(sample)), default=(0.0, ""))
    return found if likelihood >= max(_LEAST_LIKELY, own + _MARGIN) and found != codec else ""


def _likelihood(sample: bytes, octets: bytes, codec: str) -> float:
    """How much a text looks like one in a language of its declared charset."""
    if codec in _WESTERN:
        return 0.0 if len(octets) > 2 * _ascii_letters(sample) else 1.0
    if codec in _EAST_ASIAN:
        text = _decoded(sample, codec)
        outside = [letter for letter in text or "" if letter > "\x7f"]
        return 0.5 + _usual(outside, codec) / len(outside) if outside else 1.0
    read = next((each for each in _OTHER_READINGS if each.codec == codec), None)
    if read is None or any(line in sample.decode(codec, "ignore") for line in ("──", "══")):
        return 1.0  # of frames, too, which no other charset has
    return read.likelihood(sample, octets, latin=False)


def _sample(data: bytes) -> bytes:
    """The first lines with octets outside ASCII, each as a whole unless it is longer than all."""
    lines: list[bytes] = []
    size = 0
    at = 0
    for found in islice(_HIGH_OCTETS.finditer(data), SAMPLE_BYTES):
        if found.start() < at:
            continue
        start = max(data.rfind(b"\n", at, found.start()) + 1, at)
        end = data.find(b"\n", found.end()) + 1 or len(data)
        if end - start > SAMPLE_BYTES:
            start = max(start, data.rfind(b" ", max(start, found.start() - 80), found.start()) + 1)
            end = _end_of_word(data, start, min(end, start + SAMPLE_BYTES))
        lines.append(data[start:end])
        size += end - start
        at = end
        if size >= SAMPLE_BYTES:
            break
    return b"".join(lines)


def _end_of_word(data: bytes, start: int, end: int) -> int:
    """Where the text can be cut without a character in two: behind an octet of ASCII that is none
    of a letter."""
    for at in range(end, start, -1):
        if data[at - 1] <= 0x3F:
            return at
    return end


def _ascii_letters(sample: bytes) -> int:
    return len(sample) - len(sample.translate(None, _ASCII_LETTERS))


class _OctetCharset:
    """How a sample reads in a charset of one octet a letter: tables, since every octet is looked up
    in each charset."""

    __slots__ = ("_case", "_known", "_often", "_script", "_signs", "_undefined", "codec")

    def __init__(self, codec: str, alphabets: Sequence[_Alphabet]) -> None:
        decoded = bytes(range(256)).decode(codec, "replace")
        letters = {octet: letter.strip(_UNDEFINED) for octet, letter in enumerate(decoded)}
        high = [octet for octet in range(0x80, 0x100) if letters[octet]]
        self.codec = codec
        self._undefined = bytes(octet for octet in range(256) if not letters[octet])
        self._signs = bytes(octet for octet in high if letters[octet] in _SIGNS)
        self._known = [_octets(high, letters, alphabet.letters) for alphabet in alphabets]
        self._often = [_octets(high, letters, alphabet.often) for alphabet in alphabets]
        self._case = bytes(map(_case_of, map(letters.get, range(256))))
        self._script = bytes(map(_script_of, map(letters.get, range(256))))

    def likelihood(self, sample: bytes, octets: bytes, *, latin: bool) -> float:
        """How much the text looks like one in the language of an alphabet; `octets` are those
        outside ASCII."""
        if len(sample.translate(None, self._undefined)) < len(sample):
            return 0.0
        odd = sample.translate(self._case).count(_SMALL_CAPITAL)  # no language writes so
        if latin:
            signs = len(octets) - len(octets.translate(None, self._signs))
            return (signs + max(_counts(octets, self._known)) - odd) / len(octets)
        letters = octets.translate(None, self._signs)
        if len(set(letters)) < _LEAST_LETTERS:
            return 0.0
        script = sample.translate(self._script)  # no word is in two
        odd = 2 * odd + script.count(_ASCII_OTHER) + script.count(_OTHER_ASCII)
        counts = zip(_counts(letters, self._known), _counts(letters, self._often), strict=True)
        size = len(letters)
        return max(
            (known - odd) / size * (0.75 + 0.25 * min(1.0, often / size / _OFTEN))
            for known, often in counts
        )


_UNDEFINED = "\ufffd"
"""What an octet that a charset has no letter for is decoded to."""
_SMALL, _CAPITAL = 1, 2
_SMALL_CAPITAL = bytes((_SMALL, _CAPITAL))
_ASCII, _OTHER = 1, 2
_ASCII_OTHER, _OTHER_ASCII = bytes((_ASCII, _OTHER)), bytes((_OTHER, _ASCII))
_LEAST_LETTERS = 3
_OFTEN = 0.7
"""As much of a text are the letters that are used often."""


def _octets(high: list[int], letters: dict[int, str], alphabet: str) -> bytes:
    return bytes(octet for octet in high if letters[octet].lower() in alphabet)


def _case_of(letter: str | None) -> int:
    if not letter or not letter.isalpha():
        return 0
    if letter.islower():
        return _SMALL
    return _CAPITAL if letter.isupper() and not letter.isascii() else 0


def _script_of(letter: str | None) -> int:
    if not letter or not letter.isalpha():
        return 0
    return _ASCII if letter.isascii() else _OTHER


def _counts(octets: bytes, sets: list[bytes]) -> list[int]:
    return [len(octets) - len(octets.translate(None, each)) for each in sets]


_LATIN_READINGS = tuple(
    _OctetCharset(codec, [_Alphabet(letters) for letters in alphabets])
    for codec, alphabets in _LATIN.items()
)
_OTHER_READINGS = tuple(_OctetCharset(codec, alphabets) for codec, alphabets in _OTHERS.items())


def _by_letters(sample: bytes) -> list[tuple[float, str]]:
    """How likely each charset of one octet a letter is."""
    octets = b"".join(_HIGH_OCTETS.findall(sample))
    share = len(octets) / (len(octets) + _ascii_letters(sample))
    found: list[tuple[float, str]] = []
    for readings, possible, latin in (
        (_LATIN_READINGS, share < 0.5 or len(octets) <= _FEW, True),
        (_OTHER_READINGS, share > 0.25, False),
    ):
        if possible:
            found += (
                (each.likelihood(sample, octets, latin=latin) - _RANK * rank, each.codec)
                for rank, each in enumerate(readings)
            )
    return found


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return sample.decode(codec)
    except UnicodeDecodeError:
        return None


def _east_asian(sample: bytes) -> list[tuple[float, str]]:
    """How likely each charset of two octets a character is."""
    found = []
    for codec in _EAST_ASIAN:
        text = _decoded(sample, codec)
        if text is not None:
            outside = [letter for letter in text if letter > "\x7f"]
            usual = _usual(outside, codec)
            if len(outside) > 1:
                found.append((usual / len(outside), codec))
    return found


def _usual(letters: list[str], codec: str) -> float:
    """How many of these characters are usual in the language of the charset."""
    kana = sum("\u3041" <= letter <= "\u30ff" for letter in letters)
    marks = sum(letter in _EAST_ASIAN_MARKS for letter in letters)
    ideographs = [letter for letter in letters if "\u4e00" <= letter <= "\u9fff"]
    if codec in ("euc_jp", "cp932"):
        if kana * 5 < len(letters):
            return 0.6 * (kana + marks + _common(ideographs, "euc_jp", 0xB0, 0xCF))
        return kana + marks + _common(ideographs, "euc_jp", 0xB0, 0xCF)
    if codec == "cp949":
        hangul = sum("\uac00" <= letter <= "\ud7a3" for letter in letters)
        return _common([each for each in letters if each >= "\uac00"], "euc_kr", 0xB0, 0xC8) and (
            hangul + marks
        )
    if codec == "gb18030":
        return 0.97 * (marks + _common(ideographs, "gb2312", 0xB0, 0xD7))
    return 0.96 * (marks + _common(ideographs, "big5", 0xA4, 0xC6))


_EAST_ASIAN_MARKS = frozenset(
    "　、。「」『』（）！，：；？～・ー“”‘’…—《》【】０１２３４５６７８９①②③④⑤⑥"
)


def _common(letters: list[str], codec: str, first: int, last: int) -> int:
    """How many are in the rows of the characters that are used most."""
    count = 0
    for letter in letters:
        try:
            count += first <= letter.encode(codec)[0] <= last
        except UnicodeEncodeError:
            continue
    return count


def _by_library(sample: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few mails need it

    best = from_bytes(sample, cp_isolation=[*_LATIN, *_OTHERS, *_EAST_ASIAN]).best()
    return best.encoding if best is not None else ""
