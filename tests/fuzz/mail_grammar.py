"""Generated mails: unusual but well-formed ones, and mutants of them."""

from __future__ import annotations

import base64
import quopri
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.rules.building import ANN, BOB, GIL, SAM, SUPPORT, token_to

MARK = "Pumpenhaus"
"""The word that the shown text of an unmutated mail contains."""
AUTHORS = (ANN.address,) * 4 + (BOB.address, GIL.address, SAM.address, "eve@evil.example")


@dataclass(frozen=True, slots=True)
class GeneratedMail:
    raw: bytes
    author: str
    recipient: str
    well_formed: bool
    """It was not mutated: its text must be shown."""


CHARSETS = (
    *(("utf-8", "utf-8"),) * 4,
    ("us-ascii", "ascii"),
    ("iso-8859-1", "latin-1"),
    ("iso-8859-15", "iso8859_15"),
    ("windows-1252", "cp1252"),
    ("koi8-r", "koi8_r"),
    ("utf-16", "utf-16"),
    ("utf-16le", "utf-16-le"),
    ("iso-2022-jp", "iso2022_jp"),
    ("gb18030", "gb18030"),
    ("big5", "big5"),
    ("euc-kr", "euc_kr"),
    ("UTF8", "utf-8"),
    ("x-unknown", "ascii"),
    ("", "ascii"),
)
WORDS = (
    *("The pump stands still.", "> quoted", ">> quoted", "-- ", "On 1 May 2026, Ann wrote:"),
    *("Von: Ann <ann@acme.example>", "##- Write above this line -##", "#status closed", "Thanks!"),
    *("[#7] [#999999999999]", "severity: critical", "[CRITICAL]", "#severity Critical", "#merge 1"),
    *("Priority: Critical", "-----Original Message-----", "________________________________"),
    *("https://help.example/unsubscribe/1/abcdefgh", "support+abc@help.example", "Größe, naïve"),
    *("", "", "  ", "\t", "x" * 998, "a@b.example " * 40, "=20=", "=", "From here", ".", ".."),
)
TAGS = (
    *(
        "<b>",
        "</b>",
        "<i>",
        "<p>",
        "<div>",
        "</div>",
        "<blockquote>",
        "<table><tr><td>",
        "<ul><li>",
    ),
    *(
        "<a href='cid:x'>",
        "<a><p>",
        "<!--",
        "-->",
        "<style>x</style>",
        "<script>x</script>",
        "&amp;",
    ),
    *(
        "&#0;",
        "&#xd800;",
        "&#1114112;",
        "<pre>",
        "<br>",
        "<svg><math>",
        "<select><option>",
        "<",
        ">",
    ),
    *(
        "<img src=cid:x>",
        "<div class=gmail_quote>",
        "<p style='display:none'>",
        "<o:p>",
        "<plaintext>",
    ),
)
SUBJECTS = (
    *(
        "Printer",
        "Re: Printer",
        "AW: [#7] Printer",
        "[#7]",
        "[#999999999999999999]",
        "#unsubscribe",
    ),
    *(
        "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "=?utf-8?b?R3LDvMOfZQ==?= =?utf-8?b?IQ==?=",
        "",
        "[CRITICAL] x",
    ),
    *(
        "=?utf-8?q?a=0d=0aBcc:_x=40y.z?=",
        "=?x-unknown?q?=ff?=",
        "=?utf-8?b?====?=",
        "=?utf-7?q?+2AA-?=",
    ),
    *(
        "Fwd: Fw: WG: x",
        "Out of office: away",
        "x" * 900,
        "=?utf-8?q?=F0=9F=98=80?=" * 9,
        "=?",
        "?=",
    ),
)
FIELDS = (
    *("X-Priority: 1", "Importance: high", "Priority: urgent", "Accept-Language: de, en;q=0.5"),
    *(
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: <x.example>",
        "Return-Path: <>",
    ),
    *("References: <a@b.example> <c@d.example>", "In-Reply-To: <1@client.example>", "Date: x"),
    *(
        "Date: Mon, 99 Foo 99999 99:99:99 +9999",
        "Date: Sat, 21 Nov 2026 06:00:00 +0000",
        "Cc: b@c.example",
    ),
    *("Reply-To: eve@evil.example", "Sender: eve@evil.example", "Resent-From: eve@evil.example"),
    *("DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=s; h=from; bh=; b=", "X-Loop: a"),
    *(
        "Authentication-Results: mx.help.example; dmarc=pass",
        "ARC-Seal: i=1; cv=none",
        "Received: x",
    ),
    *("Content-Language: en", "Thread-Index: AAAA", "X-Auto-Response-Suppress: All", "X: y\r\n\tz"),
    "Cc: " + ", ".join(f"u{n}@guest.example" for n in range(60)),
    "References: " + " ".join(f"<{n}@x.example>" for n in range(300)),
    "To: " + "(" * 200 + "a@b.example" + ")" * 200,
    "Cc: " + '"' * 301 + " <a@b.example>",
    "Cc: group: a@b.example, c@d.example;, <[x@y>",
)
TOKENS = (
    *(
        b"\x0b",
        b"\xff\xfe",
        b"\x01",
        b"\0",
        b"\x1b$B",
        b"~{",
        b"=D8=00",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ),
    *(
        b"=?utf-7?q?+2AA-?=",
        b"=?utf-16?b?2AA=?=",
        b"=?gb18030?b?gTCBMA==?=",
        b"\xe2\x80\xae",
        b"\r",
        b"\n",
    ),
    *(b"charset=zlib_codec", b'charset="unicode_escape"', b"charset=idna", b"charset=punycode"),
    *(b"filename*=utf-16''%d8%00", b'filename="../../../etc/passwd"', b'name="a\\"b"', b"\r\n--"),
    *(b"\r\nContent-Type: text/html; charset=utf-16\r\n", b"<!--", b"<" * 200, b"&#xd800;&#0;"),
    *(
        b'\r\nContent-Type: multipart/mixed; boundary=""\r\n',
        b"\r\n\r\n",
        b"\r\n \r\n",
        b"--",
        b"--\r\n",
    ),
    *(
        b"\r\nContent-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n",
        b"boundary",
        b'"',
        b";",
        b"=",
    ),
    *(
        b"\r\nContent-Transfer-Encoding: x-uuencode\r\n",
        b"\r\nbegin 644 a\r\n",
        b"(",
        b")",
        b",",
        b"@",
    ),
    *(b"\r\nContent-Type: message/rfc822\r\n", b"\r\nContent-Type: message/delivery-status\r\n"),
    *(b"\r\nReferences: " + b"<a@b>" * 400, b"\r\nTo: " + b"a@b.example," * 300),
    *(
        b"\r\nSubject: " + "😀".encode() * 50,
        b"\r\n#status closed\r\n",
        b"\r\n#severity Critical\r\n",
    ),
    *(b"\r\nFrom: eve@evil.example\r\n", b"\r\nX" + b"y" * 900 + b": z\r\n", b";a*1*=x" * 60),
)
UNITS = (
    *(
        b"a\r\n",
        b"\r\n",
        b"x ",
        b"> ",
        b">\r\n",
        b"From: a\r\n",
        b"> On x wrote:\r\n",
        b"On 1 x wrote:\r\n",
    ),
    *(
        b"##- Write\r\n",
        b"support+",
        b"support+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
        b"a@b.example ",
        b"[#7] ",
    ),
    *(
        b"#status closed\r\n",
        b"<b>",
        b"<div>",
        b"<a><p>",
        b"<table><tr><td>",
        b"&amp;",
        b"<!--",
        b"<",
        b"<p a=1 b=2>",
    ),
    *(
        b"https://help.example/people/1/",
        b"=",
        b"=20",
        b"=\r\n",
        b"-- \r\n",
        b"\t",
        b" \r\n",
        b"\xc3\xa4",
        b"\xff",
    ),
    *(
        b"--b\r\n",
        b"--b\r\n\r\n",
        b"--b\r\nContent-Type: text/html\r\n\r\n<b>\r\n",
        b"Thanks!\r\n",
        b"*a* ",
        b"\\_",
    ),
    *(
        b"&lt;",
        b"<blockquote>",
        b"Sent from my phone\r\n",
        b"-----Original Message-----\r\n",
        b"wrote:\r\n",
    ),
)
MIB = 2**20


def generated(random: Random) -> GeneratedMail:
    """A mail; about half of them are well-formed, and a few are large."""
    author, recipient = random.choice(AUTHORS), _recipient(random)
    if random.random() < 0.004:
        return GeneratedMail(
            _large(random, author, recipient), author, recipient, well_formed=False
        )
    header = _header(random, author, recipient)
    raw = header + _shown(random, 0)
    if random.random() < 0.5:
        return GeneratedMail(raw, author, recipient, well_formed=True)
    body = bytearray(raw)
    first_line = body.index(b"\r\n") + 2  # From stays, or most mutants would end at their author
    for _ in range(random.randint(1, 6)):
        _mutate(random, body, first_line)
    return GeneratedMail(bytes(body), author, recipient, well_formed=False)


def _recipient(random: Random) -> str:
    if random.random() < 0.5:
        return SUPPORT
    return token_to(random.choice((70, 70, 71, 99)), random.choice((7, 7, 8)))


def _header(random: Random, author: str, recipient: str) -> bytes:
    lines = [
        f"From: {author}",
        f"To: {recipient}",
        f"Subject: {random.choice(SUBJECTS)}",
        f"Message-ID: <{random.getrandbits(32):x}@client.example>",
        "MIME-Version: 1.0",
    ]
    lines += random.sample(FIELDS, random.choice((0, 0, 1, 2, 5)))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _shown(random: Random, depth: int) -> bytes:
    """A part whose text is shown and contains the mark; its header first."""
    kind = random.random()
    if depth > 3 or kind < 0.5:
        return _text(random, MARK)
    if kind < 0.65:
        return _html(random, MARK)
    if kind < 0.8:
        return _multipart(random, "alternative", _text(random, MARK), _html(random, MARK))
    if kind < 0.9:
        others = (_other(random, depth + 1) for _ in range(random.choice((0, 1, 2, 8))))
        return _multipart(random, "mixed", _shown(random, depth + 1), *others)
    return _multipart(random, "related", _html(random, MARK), _attachment(random))


def _other(random: Random, depth: int) -> bytes:
    made = random.choice((_text, _html, _attachment, _attached_mail, partial(_shown, depth=depth)))
    return made(random)


def _text(random: Random, mark: str = "") -> bytes:
    charset, codec = random.choice(CHARSETS)
    lines = [mark, *random.choices(WORDS, k=random.choice((0, 1, 4, 12)))]
    text = "\r\n".join(lines).encode(codec, "replace")
    kind = random.choice(("plain", "plain", "plain; format=flowed", "PLAIN"))
    return _leaf(random, f"text/{kind}" + (f'; charset="{charset}"' if charset else ""), text)


def _html(random: Random, mark: str = "") -> bytes:
    charset, codec = random.choice(CHARSETS)
    pieces = random.choices((*TAGS, *WORDS[:24]), k=random.choice((0, 2, 10, 40)))
    text = f"<p>{mark}</p>{' '.join(pieces)}".encode(codec, "replace")
    return _leaf(random, "text/html" + (f"; charset={charset}" if charset else ""), text)


def _attachment(random: Random) -> bytes:
    name = random.choice(('"a.pdf"', "a.pdf", '"=?utf-8?q?=C3=A4.pdf?="', "../x", '"a\\"b"', '""'))
    kind = random.choice(("application/pdf", "image/png", "text/calendar", "application/x", "x"))
    disposition = random.choice((f"attachment; filename={name}", f"inline; filename={name}", "x"))
    head = f"Content-Disposition: {disposition}\r\nContent-ID: <x>\r\n".encode()
    return head + _leaf(random, kind, random.randbytes(random.choice((0, 10, 300))))


def _attached_mail(random: Random) -> bytes:
    inner = _header(random, "eve@evil.example", SUPPORT) + _text(random)
    return b"Content-Type: message/rfc822\r\n\r\n" + inner


def _leaf(random: Random, content_type: str, content: bytes) -> bytes:
    encoding = random.choice(("base64", "quoted-printable", "BASE64", "7bit"))
    if encoding.lower() == "base64" or not content.isascii() or b"\0" in content:
        encoding, content = "base64", base64.encodebytes(content).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + content


def _multipart(random: Random, kind: str, *parts: bytes) -> bytes:
    boundary = random.choice((b"b", b"=_x", b"b b", b"'()+_,-./:=?", b"B" * 70)) + (
        b"%x" % random.getrandbits(24)
    )
    inner = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode(), boundary)
    preamble = random.choice((b"", b"", b"This is a multipart message.\r\n"))
    end = random.choice((b"--" + boundary + b"--\r\n",) * 4 + (b"",))
    return head + preamble + inner + end


def _mutate(random: Random, mail: bytearray, first: int) -> None:
    near = random.random() < 0.7
    at = random.randrange(
        first, max(first + 1, min(len(mail), first + 3000 if near else len(mail)))
    )
    kind = random.random()
    if kind < 0.5:
        mail[at:at] = random.choice(TOKENS)
    elif kind < 0.65:
        mail[at : at + 1] = bytes([random.randrange(256)])
    elif kind < 0.8:
        del mail[at : at + random.choice((1, 2, 40, 300))]
    else:  # a copy from elsewhere: two headers, two boundaries, a part within a part
        start = random.randrange(len(mail))
        mail[at:at] = mail[start : start + random.choice((4, 40, 400))]


def _large(random: Random, author: str, recipient: str) -> bytes:
    """One or two short pieces again and again, up to the size limit."""
    size = int(2 ** random.uniform(14, 21 if random.random() < 0.95 else 24.6))
    unit = random.choice(UNITS) + random.choice((b"", b"", *UNITS))
    repeated = unit * (size // len(unit))
    kind = random.choice(("text/plain", "text/plain", "text/html", "multipart/mixed; boundary=b"))
    encoding = random.choice(("7bit", "7bit", "base64", "quoted-printable"))
    if encoding == "base64":
        repeated = base64.encodebytes(repeated).replace(b"\n", b"\r\n")
    elif random.random() < 0.1:  # in the header
        name = random.choice(("To", "Cc", "References", "Received", "X", "Content-Type", "Subject"))
        value = repeated.translate(None, b"\r\n")[: random.choice((15_000, 200_000, 400_000))]
        fields = f"From: {author}\r\nTo: {recipient}\r\n{name}: ".encode()
        return fields + value + b"\r\n\r\nx\r\n"
    head = _header(random, author, recipient)
    kind_fields = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head + kind_fields.encode() + repeated
