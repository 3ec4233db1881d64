"""What mail clients make of a text: plain text and HTML, with signature and quote."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from types import MappingProxyType

from tests.acceptance.policies.policy_server import SUPPORT
from tests.acceptance.support_day.cast import GERMAN, Client, name_of

SIGNED = "Extension 7788"
"""In the signature of those who write with Gmail."""


@dataclass(frozen=True)
class Quoted:
    """A mail that is quoted or forwarded."""

    author: str
    to: str
    subject: str
    plain: str
    html: str


@dataclass(frozen=True)
class Written:
    """What a person has typed, in which client, and about what."""

    author: str
    at: datetime
    text: str
    quoted: Quoted | None
    below: bool
    """The text is below the quote."""
    forwards: bool

    @property
    def german(self) -> bool:
        return self.author in GERMAN


Body = tuple[str, str]
"""Plain text and HTML."""


def quoted_mail(mail: EmailMessage) -> Quoted:
    """A mail of ours, as its reader answers it."""
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    inner = re.search(r"(?s)<body[^>]*>(.*)</body>", str(rich.get_content()))
    assert inner is not None
    to = str(mail["To"])
    sender = f"Support <{_address(str(mail['Reply-To'] or SUPPORT))}>"
    return Quoted(sender, to, str(mail["Subject"]), str(plain.get_content()), inner[1])


def quoted_text(author: str, subject: str, text: str) -> Quoted:
    """A customer's own mail, as staff have it in their inbox."""
    return Quoted(f"{name_of(author)} <{author}>", SUPPORT, subject, text, _paragraphs(text))


def body_of(client: Client, written: Written) -> Body:
    return _CLIENTS[client](written)


def _address(field: str) -> str:
    return field.rpartition("<")[2].rstrip(">")


def _paragraphs(text: str, start: str = "<div>", end: str = "</div>") -> str:
    return "\n".join(f"{start}{html.escape(line) or '<br>'}{end}" for line in text.split("\n"))


def _marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.rstrip("\n").split("\n"))


def _wrote(written: Written, quoted: Quoted, english: str, german: str) -> str:
    pattern, wrote = (german, "schrieb") if written.german else (english, "wrote")
    day = written.at.strftime(pattern)
    if written.german:
        return f"Am {day} {wrote} {quoted.author}:"
    return f"On {day} {quoted.author} {wrote}:"


def _fields(written: Written, quoted: Quoted, sent: str, gesendet: str) -> list[tuple[str, str]]:
    names = (
        ("Von", gesendet, "An", "Betreff") if written.german else ("From", sent, "To", "Subject")
    )
    at = written.at.strftime("%A, %B %d, %Y %I:%M %p")
    return list(zip(names, (quoted.author, at, quoted.to, quoted.subject), strict=True))


def _outlook(written: Written) -> Body:
    closing = "Mit freundlichen Grüßen" if written.german else "Kind regards"
    text = f"{written.text}\n\n{closing}\n{name_of(written.author)}"
    rich = _paragraphs(text, '<p class="MsoNormal">', "<o:p></o:p></p>")
    start = '<html xmlns:o="urn:schemas-microsoft-com:office:office"><body lang="EN-US">'
    if (quoted := written.quoted) is None:
        return text, f'{start}<div class="WordSection1">{rich}</div></body></html>'
    fields = _fields(written, quoted, "Sent", "Gesendet")
    plain = "\n".join(f"{name}: {value}" for name, value in fields)
    block = "<br>\n".join(f"<b>{name}:</b> {html.escape(value)}" for name, value in fields)
    border = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"
    page = (
        f'{start}<div class="WordSection1">{rich}<div><div style="{border}">'
        f'<p class="MsoNormal">{block}<o:p></o:p></p></div></div>{quoted.html}</div></body></html>'
    )
    return f"{text}\n\n{plain}\n\n{quoted.plain}", page


def _gmail(written: Written) -> Body:
    signature = f"{name_of(written.author)}\n{SIGNED}"
    sign = f'<span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature">{_paragraphs(signature)}</div>'  # noqa: E501
    rich = f'<div dir="ltr">{_paragraphs(written.text)}</div>'
    if (quoted := written.quoted) is None:
        return f"{written.text}\n\n-- \n{signature}", f"{rich}<div><br></div>{sign}"
    if written.forwards:
        fields = "\n".join(
            (
                f"From: {quoted.author}",
                f"Date: {written.at:%a, %b %d, %Y at %I:%M\u202f%p}",
                f"Subject: {quoted.subject}",
                f"To: {quoted.to}",
            )
        )
        line = "---------- Forwarded message ---------"
        attr = f'<div dir="ltr" class="gmail_attr">{line}<br>{_paragraphs(fields)}</div>'
        return (
            f"{written.text}\n\n{line}\n{fields}\n\n\n{quoted.plain}",
            f'{rich}<br><div class="gmail_quote">{attr}<br><br>{quoted.html}</div>',
        )
    wrote = _wrote(written, quoted, "%a, %b %d, %Y at %I:%M\u202f%p", "%a, %d. %b %Y um %H:%M Uhr")
    style = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"
    quote = (
        f'<div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">'
        f'{html.escape(wrote)}<br></div><blockquote class="gmail_quote" style="{style}">'
        f"{quoted.html}</blockquote></div>"
    )
    marked = "\n\n".join((wrote.replace(" <", "\n<"), _marked(quoted.plain)))
    if written.below:
        return (
            f"{marked}\n\n{written.text}\n\n-- \n{signature}",
            f"{quote}<br>{rich}{sign}",
        )
    return (
        f"{written.text}\n\n-- \n{signature}\n\n\n{marked}",
        f"{rich}<br clear='all'>{sign}<br>{quote}",
    )


def _apple(written: Written) -> Body:
    style = "overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;"
    start, end = f'<html><head></head><body style="{style}">', "</body></html>"
    rich = _paragraphs(written.text)
    if (quoted := written.quoted) is None:
        return written.text, f"{start}{rich}{end}"
    if written.forwards:
        line = (
            "Anfang der weitergeleiteten Nachricht:"
            if written.german
            else "Begin forwarded message:"
        )
        fields = _fields(written, quoted, "Date", "Datum")
        plain = "\n".join(f"{name}: {value}" for name, value in fields)
        block = "".join(
            f'<div style="margin: 0px;"><span style="font-family: -webkit-system-font;"><b>{name}: '
            f"</b></span><span>{html.escape(value)}<br></span></div>"
            for name, value in fields
        )
        marked = _marked("\n\n".join((line, plain, quoted.plain)))
        quote = (
            f'<div><br><blockquote type="cite"><div>{line}</div>'
            f'<br class="Apple-interchange-newline">'
            f"{block}<br><div>{quoted.html}</div></blockquote></div>"
        )
        return f"{written.text}\n\n{marked}", f"{start}{rich}{quote}{end}"
    wrote = _wrote(written, quoted, "%d. %b %Y, at %H:%M,", "%d.%m.%Y um %H:%M")
    quote = (
        f'<blockquote type="cite"><div>{html.escape(wrote)}</div>'
        f'<br class="Apple-interchange-newline"><div>{quoted.html}</div></blockquote>'
    )
    marked = _marked(f"{wrote}\n\n{quoted.plain}")
    if written.below:
        return f"{marked}\n\n{written.text}\n", f"{start}<div>{quote}</div><br>{rich}{end}"
    return (
        f"{written.text}\n\n\n{marked}\n",
        f'{start}{rich}<br id="lineBreakAtBeginningOfMessage"><div><br>{quote}</div><br>{end}',
    )


def _phone(written: Written) -> Body:
    sent_from = "Von meinem iPhone gesendet" if written.german else "Sent from my iPhone"
    rich = (
        f'<body dir="auto">{_paragraphs(written.text)}<br id="lineBreakAtBeginningOfSignature">'
        f'<div dir="ltr">{sent_from}</div>'
    )
    if (quoted := written.quoted) is None:
        return f"{written.text}\n\n{sent_from}", f"<html>{rich}</body></html>"
    wrote = _wrote(written, quoted, "%b %d, %Y, at %I:%M\u202f%p,", "%d.%m.%Y um %H:%M")
    page = (
        f'<html>{rich}<div dir="ltr"><br><blockquote type="cite">{html.escape(wrote)}<br><br>'
        f'</blockquote></div><blockquote type="cite"><div dir="ltr">\ufeff{quoted.html}</div>'
        "</blockquote></body></html>"
    )
    marked = _marked(f"{wrote}\n\n\ufeff{quoted.plain}")
    return "\n\n".join((written.text, sent_from, marked)), page


_CLIENTS: Mapping[Client, Callable[[Written], Body]] = MappingProxyType(
    {
        Client.OUTLOOK: _outlook,
        Client.GMAIL: _gmail,
        Client.APPLE: _apple,
        Client.PHONE: _phone,
    }
)
