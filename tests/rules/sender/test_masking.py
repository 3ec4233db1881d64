"""Nothing that our keys have sealed is left in a text, however it is spelled there."""

from __future__ import annotations

import base64
import html
import quopri
import re
import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.mail.encoded_words import decode_words
from rules.sender import tokens
from rules.sender.masking import ATTEMPTS, BEGINNINGS, EXAMINED, MASK, Masker
from rules.sender.tokens import Keys, Link, LinkUse, Purpose, ReplyToken
from tests.examples import examples

KEYS = Keys(2, {1: b"o" * 32, 2: b"k" * 32})
OLD_KEYS = Keys(1, KEYS.secrets)
SUPPORT = "support@help.example"
BEGIN = "https://postern.help.example"
MASKER = Masker(KEYS, (3, 1, 2), frozenset({SUPPORT}), BEGIN)

TOKEN = tokens.reply_token(KEYS, 3, ReplyToken(7, 70, Purpose.REPLY))
REPLY_TO = f"support+{TOKEN}@help.example"
SEALED_LINK = tokens.link_token(KEYS, 3, LinkUse.APPROVE, Link(7, 70, "eve@evil.example"))
LINK = f"{BEGIN}/people/3/{SEALED_LINK}"


def escaped(text: str) -> str:
    return quote(text, safe="")


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS = {
    "as it is": f"> Reply-To: {REPLY_TO}",
    "in capitals": f"> {REPLY_TO.upper()}",
    "wrapped": f"> Reply-To: support+{TOKEN[:20]}\n> {TOKEN[20:]}@help.example",
    "wrapped with CRLF, twice quoted": f">> support+{TOKEN[:20]} \r\n>> {TOKEN[20:]}@help.example",
    "a soft line break": f"> support+{TOKEN[:20]}=\n{TOKEN[20:]}@help.example",
    "without its domain": f"> To: support+{TOKEN}",
    "escaped": f"> <mailto:support%2B{TOKEN}%40help.example>",
    "escaped twice": f"> <https://x/?u=mailto%3Asupport%252B{TOKEN}%2540help.example>",
    "a soft hyphen": f"> support+{TOKEN[:18]}\u00ad{TOKEN[18:]}@help.example",
    "an escaped character without width": f"> support+{TOKEN[:9]}%E2%80%8B{TOKEN[9:]}@help.example",
    "an entity without width": f"> support+{TOKEN[:9]}&#8203;{TOKEN[9:]}@help.example",
    "a named entity without width": f"> support+{TOKEN[:9]}&shy;{TOKEN[9:]}@help.example",
    "a break of words": f"> support+{TOKEN[:9]}<wbr>{TOKEN[9:]}@help.example",
    "spaces around @": f"> support+{TOKEN} @ help.example",
    "(at)": f"> support+{TOKEN} (at) help.example",
    "a backslash": f"> support\\+{TOKEN}@help.example",
    "in quotation marks": f'> "support+{TOKEN}"@help.example',
    "fullwidth": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in REPLY_TO),
    "bold letters": "".join(chr(0x1D41A + ord(c) - 97) if c.isalpha() else c for c in TOKEN),
    "every letter an entity": "".join(f"&#{ord(c)};" for c in REPLY_TO),
    "every letter escaped": "".join(f"%{ord(c):02X}" for c in REPLY_TO),
    "every letter quoted": "".join(f"={ord(c):02X}" for c in REPLY_TO),
    "between other letters": f"token{TOKEN}token",
    "behind =3D": f"url=3D{TOKEN}",
    "a link": f"> {LINK}",
    "a wrapped link": f"> {LINK[:76]}\n> {LINK[76:]}\nThat is wrong!",
    "a link, wrapped twice": f"> {LINK[:50]}\n> {LINK[50:70]}\n> {LINK[70:]}",
    "Safe Links": f"https://eur01.safelinks.protection.outlook.com/?url={escaped(LINK)}&data=05%7C02",
    "Safe Links, wrapped": f"https://eur01.safelinks.protection.outlook.com/?url={escaped(LINK)[:70]}"
    f"\n> {escaped(LINK)[70:]}&data=05",
    "Safe Links in HTML": f"https://x.safelinks.protection.outlook.com/?url={escaped(LINK)}&amp;data=0",
    "urldefense v1": f"https://urldefense.proofpoint.com/v1/url?u={LINK}&k=x",
    "urldefense v2": "https://urldefense.proofpoint.com/v2/url?u="
    + LINK.replace("/", "_").replace(":", "-3A")
    + "&d=x",
    "urldefense v3": f"https://urldefense.com/v3/__{LINK}__;!!abc$",
    "Google": f"https://www.google.com/url?q={escaped(LINK)}&sa=D",
    "Barracuda": f"https://linkprotect.cudasvc.com/url?a={escaped(LINK)}&c=E,1",
    "Cisco": f"https://secure-web.cisco.com/1aBc/{escaped(LINK)}",
    "Mimecast": f"https://protect.mimecast.com/s/AbC?domain=x&url={escaped(escaped(LINK))}",
    "Sophos": "https://eu.protection.sophos.com/?d=help.example&u="
    + base64.b64encode(LINK.encode()).decode(),
    "base64 for URLs": f"https://x/r/{base64.urlsafe_b64encode(LINK.encode()).decode()}",
    "Safe Links around Google": "https://x.safelinks.protection.outlook.com/?url="
    + escaped(f"https://www.google.com/url?q={escaped(LINK)}"),
    "pieces of a file name": f"filename*0*=utf-8''{REPLY_TO[:30]};\r\n filename*1*={REPLY_TO[30:]}",
    "quoted pieces of a file name": f'name*0="{REPLY_TO[:30]}"; name*1="{REPLY_TO[30:40]}";\n'
    f' name*2="{REPLY_TO[40:]}"',
    "escaped pieces of a file name, quoted": f"> filename*0*=utf-8''{escaped(LINK)[:60]};\n"
    f"> \tfilename*1*={escaped(LINK)[60:]}",
    "pieces of a file name in HTML": f"name*0=&quot;{REPLY_TO[:30]}&quot;;<br>\n"
    f"name*1=&quot;{REPLY_TO[30:]}&quot;",
    "pieces of a file name in quoted-printable": f"name*0*=3D{REPLY_TO[:30]};=\n"
    f" name*1*=3D{REPLY_TO[30:]}",
    "encoded-words": f"> Subject: =?utf-8?Q?{REPLY_TO[:30].replace('+', '=2B')}?=\n"
    f">  =?utf-8?Q?{REPLY_TO[30:]}?=",
    "encoded-words in base64": f"Subject: =?utf-8?B?{in_base64(REPLY_TO[:30])}?=\r\n"
    f" =?utf-8?b?{in_base64(REPLY_TO[30:])}?=",
    "one encoded-word in base64": f"=?utf-8?b?{in_base64(f'a {REPLY_TO}')}?=",
    "another host": LINK.replace(BEGIN, "http://POSTERN.help.example:443"),
    "without its scheme": LINK.removeprefix("https://"),
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_no_spelling_is_left(text: str) -> None:
    masked = MASKER.mask(f"On Sat, Support wrote:\n{text}\nThat is wrong!\n> more\nyes.")

    assert recovered(masked, TOKEN) is None
    assert recovered(masked, SEALED_LINK) is None
    assert masked.endswith("> more\nyes.")


EVERY_USE = {
    "reply": TOKEN,
    "note": tokens.reply_token(KEYS, 2, ReplyToken(2**40 - 1, 2**40 - 1, Purpose.NOTE)),
    "an old key": tokens.reply_token(OLD_KEYS, 3, ReplyToken(7, 70, Purpose.REPLY)),
    "return path": tokens.return_path(KEYS, 3, SUPPORT, UUID(int=2**127 + 5))[8:52],
    "Message-ID": tokens.message_id(KEYS, 3, 7, UUID(int=5), "x.example")[1:53],
    "approve": SEALED_LINK,
    "unsubscribe": tokens.link_token(KEYS, 1, LinkUse.UNSUBSCRIBE, Link(7, 70, "")),
    "feedback": tokens.link_token(KEYS, 2, LinkUse.FEEDBACK, Link(2**33, 2**33, "")),
    "sign-up": tokens.sign_up_token(KEYS, 3, "ann@acme.example", datetime(2027, 1, 1, tzinfo=UTC)),
    "a long address": tokens.link_token(
        KEYS, 3, LinkUse.APPROVE, Link(7, 70, "a" * 60 + "@" + "b" * 180 + ".example")
    ),
}


@pytest.mark.parametrize("sealed", EVERY_USE.values(), ids=EVERY_USE.keys())
@pytest.mark.parametrize("around", ["", " ", "x", "and some words "])
def test_every_sealed_value_is_masked_alone(sealed: str, around: str) -> None:
    assert MASKER.mask(f"{around}{sealed}{around}") == f"{around}{MASK}{around}"


def test_a_reply_address_becomes_the_address_of_the_mailbox() -> None:
    text = f"Write to Support <{REPLY_TO}> or mailto:support%2B{TOKEN}%40help.example."

    assert MASKER.mask(text) == f"Write to Support <{SUPPORT}> or mailto:support%40help.example."


def recovered(text: str, sealed: str) -> str | None:
    """How somebody could read a sealed value, or the end of one, out of a text; None if nohow."""
    readings = {"": text}
    steps: dict[str, Callable[[str], str]] = {
        "entities": html.unescape,
        "escapes": unquote,
        "quoted-printable": lambda t: quopri.decodestring(t.encode()).decode("utf-8", "replace"),
        "urldefense": lambda t: unquote(re.sub("-([0-9A-F]{2})", r"%\1", t)),
        "base64": _decoded_base64,
        "pieces": lambda t: re.sub(
            r'"?\s*;(?:[\s>]|<br>)*[a-z]+\*\d\*?="?', "", t.replace('"', "")
        ),
        "words": lambda t: decode_words(re.sub(r"\s*>\s*", " ", t).encode()),
        "breaks": lambda t: re.sub(r"[ >]*\s[\s>]*|[\u00ad\u200b]|=\n", "", t),
        "forms": lambda t: unicodedata.normalize("NFKC", t),
    }
    for _ in range(3):
        readings |= {
            f"{how} {step}": change(reading)
            for how, reading in readings.items()
            for step, change in steps.items()
        }
        readings = {how: reading for reading, how in {r: h for h, r in readings.items()}.items()}
    for how, reading in readings.items():
        flat = re.sub(r"[\s>|=*\\\u00ad\u200b-\u200f\u2060]|<wbr>", "", reading).lower()
        if sealed[-20:] in flat or sealed[:30] in flat:
            return how
    return None


def _decoded_base64(text: str) -> str:
    def decode(found: re.Match[str]) -> str:
        run = found[0].replace("-", "+").replace("_", "/")
        return base64.b64decode(run[: len(run) // 4 * 4]).decode("latin-1")

    return re.sub(r"(?<![\w+/-])aHR0[A-Za-z0-9+/_-]{20,}", decode, text)


def _wrap(at: int, mark: str) -> Callable[[str], str]:
    return lambda text: mark.join(text[i : i + at] for i in range(0, len(text), at))


RESPELLED: list[Callable[[str], str]] = [
    escaped,
    html.escape,
    str.upper,
    lambda t: f"https://www.google.com/url?q={escaped(t)}&sa=D",
    lambda t: f"https://x.safelinks.protection.outlook.com/?url={escaped(t)}&amp;data=05%7C02",
    lambda t: f"https://urldefense.com/v3/__{t}__;!!abc$",
    lambda t: t.replace("=", "=3D"),
    lambda t: t.replace("+", "&#43;").replace("@", "&#64;"),
    lambda t: t.replace("+", "\\+").replace("_", "\\_"),
    _wrap(60, "\n> "),
    _wrap(72, "=\n"),
    _wrap(75, " \r\n>> "),
    _wrap(40, "\u200b"),
    _wrap(33, "\u00ad"),
    lambda t: "".join(chr(ord(c) + 0xFEE0) if c in "aeiou@+" else c for c in t),
]


@settings(deadline=None, max_examples=examples(80))
@given(
    st.sampled_from([REPLY_TO, LINK, f"{BEGIN}/signup/3/{EVERY_USE['sign-up']}"]),
    st.lists(st.sampled_from(RESPELLED), max_size=3),
    st.text(max_size=20),
)
def test_no_composition_of_spellings_is_left(
    said: str, spellings: list[Callable[[str], str]], around: str
) -> None:
    for spelling in spellings:
        said = spelling(said)
    sealed = next((s for s in EVERY_USE.values() if recovered(said, s) is not None), None)
    assume(sealed is not None)
    assert sealed is not None

    assert recovered(MASKER.mask(f"{around} {said} {around}"), sealed) is None


@pytest.mark.parametrize("within", [_wrap(33, "\u200b"), _wrap(33, "=\n")])
def test_an_escaped_quote_mark_is_no_hiding_place_if_it_is_broken_itself(
    within: Callable[[str], str],
) -> None:
    for at in range(50, 70):  # in some of them the break is in the middle of `&gt;`
        quoted = within(html.escape(_wrap(at, " \r\n>> ")(LINK)))

        assert recovered(MASKER.mask(quoted), SEALED_LINK) is None


HONEST = [
    "After the age of the meeting we agreed: again, aged agents ate eagles.\n> quoted\n> more",
    "ann@acme.example wrote to support@help.example and support+sales@help.example",
    "https://www.google.com/url?q=https%3A%2F%2Facme.example%2Fpeople%2F1%2Fann&sa=D",
    "0d1c6bb18e3f0a5ad4e4c21e2b5e8de6f1f8d1f9c3a4e0b2 *sha256*",
    "a2V5c3Ryb2tlIGFuZCBzb21lIG90aGVyIHRleHQgdGhhdCBpcyBub3QgYSBsaW5rIGF0IGFsbA==",
    "aHR0cHM6Ly9hY21lLmV4YW1wbGUvc29tZS9wYWdlL29mL291cnMvdGhhdC9pcy9mcmVl",
    "word\n" * 400,
    "100 % of 3%20 &amp; =3D &nbsp; \u200bzero\u200bwidth\u200b ａｂｃ",
    "aeaaaaaaa4aaaaaaiyallc3kb23tsr67fhqq",
]


@pytest.mark.parametrize("text", HONEST, ids=lambda text: repr(text[:20]))
def test_honest_text_is_unchanged(text: str) -> None:
    assert MASKER.mask(text) == text


@settings(deadline=None)
@given(st.text(st.sampled_from("abcdefgh234567 \n>=%&#;+@/:-_.\u200b"), max_size=400))
def test_text_without_a_sealed_value_is_unchanged(text: str) -> None:
    assert MASKER.mask(text) == text


def test_a_value_far_down_in_a_long_text_is_masked() -> None:
    for length in (EXAMINED - 20, EXAMINED + 10, 3 * EXAMINED):
        masked = MASKER.mask("words " * (length // 6) + f" {REPLY_TO} end")

        assert masked.endswith(f" {SUPPORT} end")


HOSTILE = {
    "beginnings of a key": "aiaiaiai" * 50_000,
    "beginnings of a link": ("aiaaaaaaaa" + "e" * 34 + " ") * 5_000,
    "one letter on each line": "a\n" * 200_000,
    "runs that are too short": ("a\n" * 32 + ". ") * 5_000,
    "escapes": "%41" * 125_000,
    "entities": "&amp;" * 75_000,
    "quoted-printable": "=41" * 125_000,
    "base64": "aHR0cABC" * 50_000,
    "encoded-words": "=?a?q?b?=\n" * 37_500,
    "beginnings of encoded-words": "=?a*b" * 75_000,
    "names of pieces": "a;=\n> b*1*=" * 30_000,
    "line ends in front of no name": "a;" + "=\n" * 175_000,
    "line ends in front of no value": "a" + "=\n" * 175_000,
    "names in front of no value": "a" + ";b*1*=\n" * 50_000,
    "quoted names in front of no value": "a" + '";b*1="\n>' * 50_000,
    "tags in front of no name": ("a;" + "<br>" * 50) * 1_750,
    "many links in base64": ("aHR0c" + "A" * 60 + " ") * 5_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_takes_linear_time(text: str) -> None:
    """Longer than what is examined at once; the square of it would be minutes."""
    begin = time.process_time()
    MASKER.mask(text)

    assert time.process_time() - begin < 1


def test_beyond_its_attempts_whatever_begins_like_a_sealed_value_is_masked() -> None:
    decoys = ("aiaaaaaaaa" + "e" * 34 + " ") * ATTEMPTS

    masked = MASKER.mask(f"{decoys} {SEALED_LINK}")

    assert recovered(masked[-2000:], SEALED_LINK) is None


def test_a_text_in_which_a_value_may_begin_everywhere_is_not_tried_to_its_end() -> None:
    letters = base64.b32encode(bytes([KEYS.current]) + b"\0" * 40).decode().rstrip("=").lower()
    decoys = f"{letters} " * (2 * BEGINNINGS)

    masked = MASKER.mask(decoys)

    assert masked.startswith(f"{letters} " * (BEGINNINGS // 8))
    assert masked.endswith(f"{MASK} " * BEGINNINGS)


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_link_in_base64_is_masked_whatever_its_length(
    length: int, encode: Callable[[bytes], bytes]
) -> None:
    """Of two links in three the last octets are in a group that is not full."""
    link = tokens.link_token(KEYS, 3, LinkUse.APPROVE, Link(7, 70, "e" * length + "@evil.example"))
    for begin in (BEGIN, BEGIN + "/", BEGIN + "//"):
        text = f"https://gateway.example/?d={encode(f'{begin}/people/3/{link}'.encode()).decode()}"
        for spelling in (text, text.rstrip("=")):
            assert MASKER.mask(spelling) != spelling


@pytest.mark.parametrize(
    ("before", "content"),
    [
        ("", f"Hello Ann,\n\nwrite to {REPLY_TO} or see {LINK}\n"),
        ("https://click.example/?d=", f'{{"u":"{LINK}"}}'),
        ("Subject: =?utf-8?B?", f"Re: {REPLY_TO}"),
    ],
    ids=["a pasted body", "a parameter of a gateway", "an encoded-word"],
)
def test_base64_is_read_wherever_the_value_stands_in_it(before: str, content: str) -> None:
    encoded = base64.b64encode(content.encode()).decode()
    wrapped = "\n> ".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))

    for each in (encoded, wrapped):
        left = MASKER.mask(before + each).removeprefix(before)
        assert left.rstrip("=?\n") in (MASK, "")
