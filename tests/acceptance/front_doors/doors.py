"""The mails that come through each door, and their forged twins.

The fields are those that the providers write; every signature and seal is real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.acceptance.internet import ANN, AUTHSERV_ID, EVE, HANK, a_mail, signed_by
from tests.acceptance.support_server import SUPPORT
from tests.gateway.forwarders import (
    GOOGLE_GROUP_SIGNS,
    GOOGLE_SIGNS,
    MICROSOFT_SIGNS,
    arc_sealed,
)
from tests.gateway.senders import rsa_key

ALIAS = "help@public.example"
GROUP = "desk@help.example"
IDA = "ida@initech.example"
"""Her domain publishes p=none."""
POSTFIX, EXCHANGE, SES, YAHOO, ZOHO = (f"127.0.0.{n}" for n in range(11, 16))
"""The addresses of the listed relays."""
FORWARDER_HOST = "127.0.0.16"
"""What the SPF record of help.example allows; no relay."""
RELAYS = {POSTFIX: AUTHSERV_ID, EXCHANGE: "", SES: "amazonses.com", YAHOO: "*.yahoo.com"} | {
    ZOHO: "mx.zohomail.com"
}
ELSEWHERE = "127.0.0.1"


@dataclass(frozen=True)
class Offered:
    """A mail as a client offers it."""

    raw: bytes
    mail_from: str = EVE
    source: str = ELSEWHERE


@dataclass(frozen=True)
class Door:
    name: str
    genuine: Callable[[], Offered]
    twin: Callable[[], Offered]

    def __str__(self) -> str:
        return self.name


def replaced(raw: bytes, old: str, new: str) -> bytes:
    assert old.encode() in raw, old
    return raw.replace(old.encode(), new.encode(), 1)


def sealed(raw: bytes, states: str, sealer: str = "google.com") -> bytes:
    covered = MICROSOFT_SIGNS if sealer == "microsoft.com" else GOOGLE_SIGNS
    return arc_sealed(raw, sealer, states, key=rsa_key(2048), signs=covered)


def by_google(author: str, dmarc: str = "pass", policy: str = "REJECT") -> str:
    """What Google states of a mail that it received directly."""
    domain = author.partition("@")[2]
    return (
        f"mx.google.com; dkim=pass header.i=@{domain} header.s=s1 header.b=AbCd/+1=; spf=pass"
        f" (google.com: domain of {author} designates 192.0.2.1 as permitted sender)"
        f" smtp.mailfrom={author}; dmarc={dmarc} (p={policy} sp={policy} dis=NONE)"
        f" header.from={domain}"
    )


def by_microsoft(author: str) -> str:
    domain = author.partition("@")[2]
    return (
        f"mx.microsoft.com 1; spf=pass smtp.mailfrom={domain}; dmarc=pass action=none"
        f" header.from={domain}; dkim=none (message not signed); arc=none"
    )


def unsigned(author: str, *fields: str, to: str = SUPPORT) -> bytes:
    return replaced(a_mail(author, *fields), f"To: {SUPPORT}", f"To: {to}")


def signed(author: str, *fields: str, to: str = SUPPORT, signs: tuple[str, ...] = ()) -> bytes:
    raw = unsigned(author, *fields, to=to)
    domain = author.partition("@")[2]
    return signed_by(domain, raw, signs=signs) if signs else signed_by(domain, raw)


MICROSOFT_DKIM = ("from", "date", "subject", "message-id")
LIST_FIELDS = (
    "Precedence: list",
    "Mailing-list: list desk@help.example; contact desk+owners@help.example",
    "List-ID: <desk.help.example>",
    "List-Post: <mailto:desk@help.example>",
    "List-Unsubscribe: <mailto:googlegroups-manage+1+unsubscribe@googlegroups.com>",
)
FOOTER = (
    b"\r\n-- \r\nTo unsubscribe from this group, send an email to desk+unsubscribe@help.example\r\n"
)
GMAIL_PATH = "owner+caf_=support=help.example@public.example"
GROUP_PATH = "desk+bncBCYZ7XVQ4MDBB4HX4LCQMGQEJB3YJPI@help.example"
MARK = "Auto-Submitted: auto-generated"
SRS = "bounces+SRS=kq3Zt=XH@help.example"


def through_group(states: str, *signers: str, author: str = ANN) -> bytes:
    """A mail in which a Google Group replaced From, signed by the group's domain."""
    fields = (
        f"X-Original-Sender: {author}",
        f"X-Original-Authentication-Results: {by_google(author)}",
        f"X-Original-From: Ann <{author}>",
        f"Reply-To: Ann <{author}>",
        *LIST_FIELDS,
    )
    raw = unsigned(f"\"'Ann' via Desk\" <{GROUP}>", *fields, to=GROUP)
    for domain in signers:
        raw = signed_by(domain, raw, signs=GOOGLE_GROUP_SIGNS)
    return sealed(sealed(raw, states), states)  # Google seals when it receives and when it sends


def through_mailman(*signers: str) -> bytes:
    fields = (
        f"Reply-To: Ann <{ANN}>",
        "List-Id: Desk <desk.help.example>",
        "List-Post: <mailto:desk@help.example>",
        "Precedence: list",
        "X-Mailman-Version: 3.3.9",
    )
    raw = unsigned(f'"Ann via Desk" <{GROUP}>', *fields, to=GROUP)
    for domain in signers:
        raw = signed_by(domain, raw)
    return raw


def relayed(results: str, source: str, author: str = ANN) -> Offered:
    """Of a relay, which received it directly from the author's domain."""
    top = b"Received: from mail.acme.example by relay.example with ESMTPS;\r\n"
    return Offered(
        top + f"Authentication-Results: {results}\r\n".encode() + a_mail(author), author, source
    )


EXCHANGE_RESULTS = (
    "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=acme.example; dkim=none (message not"
    " signed)\r\n header.d=none;dmarc=pass action=none\r\n header.from=acme.example;compauth=pass"
    " reason=100"
)
SES_RESULTS = (
    "amazonses.com;\r\n spf=pass (spfCheck: domain of acme.example designates 192.0.2.1 as"
    " permitted sender) client-ip=192.0.2.1; envelope-from=ann@acme.example;"
    " helo=mail.acme.example;\r\n dkim=none; dmarc=pass header.from=acme.example;"
)
YAHOO_RESULTS = (
    "atlas206.free.mail.ne1.yahoo.com;\r\n dkim=unknown;\r\n spf=pass smtp.mailfrom=acme.example;"
    "\r\n dmarc=pass(p=REJECT) header.from=acme.example;"
)
ZOHO_RESULTS = (
    "mx.zohomail.com;\r\n\tspf=pass (zohomail.com: domain of ann@acme.example designates 192.0.2.1"
    " as permitted sender)  smtp.mailfrom=ann@acme.example;\r\n"
    "\tdmarc=pass(p=reject dis=none)  header.from=<ann@acme.example>"
)
POSTFIX_RESULTS = (
    f"{AUTHSERV_ID}; spf=pass smtp.mailfrom=ann@acme.example;\r\n"
    " dmarc=pass p=reject dis=none header.from=acme.example"
)

DOORS = (
    Door("own MX", lambda: Offered(signed(ANN), ANN), lambda: Offered(a_mail(ANN), ANN)),
    Door(
        "own Postfix as a listed relay",
        lambda: relayed(POSTFIX_RESULTS, POSTFIX),
        lambda: relayed(POSTFIX_RESULTS, ELSEWHERE),
    ),
    Door(
        "Gmail or Workspace forwards",
        lambda: Offered(
            f"X-Forwarded-To: {SUPPORT}\r\nX-Forwarded-For: {ALIAS} {SUPPORT}\r\n"
            f"Delivered-To: {ALIAS}\r\n".encode()
            + signed(ANN, to=ALIAS),
            GMAIL_PATH,
        ),
        lambda: Offered(
            f"X-Forwarded-To: {SUPPORT}\r\nX-Forwarded-For: {ALIAS} {SUPPORT}\r\n"
            f"Delivered-To: {ALIAS}\r\n".encode()
            + unsigned(ANN, to=ALIAS),
            GMAIL_PATH,
        ),
    ),
    Door(
        "Workspace forwards mail from Microsoft 365",
        lambda: Offered(
            sealed(signed(ANN, to=ALIAS, signs=MICROSOFT_DKIM), by_google(ANN)), GMAIL_PATH
        ),
        lambda: Offered(
            arc_sealed(unsigned(ANN, to=ALIAS), "evil.example", by_google(ANN), key=rsa_key(2048)),
            GMAIL_PATH,
        ),
    ),
    Door(
        "Google Group, author kept",
        lambda: Offered(
            sealed(signed(IDA, *LIST_FIELDS, to=GROUP) + FOOTER, by_google(IDA, policy="NONE")),
            GROUP_PATH,
        ),
        lambda: Offered(unsigned(IDA, *LIST_FIELDS, to=GROUP) + FOOTER, GROUP_PATH),
    ),
    Door(
        "Google Group, author replaced",
        lambda: Offered(through_group(by_google(ANN), "help.example"), GROUP_PATH),
        lambda: Offered(through_group(by_google(ANN)), GROUP_PATH),
    ),
    Door(
        "Google Group, author not proven",
        lambda: Offered(through_group(by_google(ANN, dmarc="none"), "help.example"), GROUP_PATH),
        lambda: Offered(through_group(by_google(EVE), "evil.example"), GROUP_PATH),
    ),
    Door(
        "Microsoft 365 forwards",
        lambda: Offered(
            sealed(unsigned(ANN), by_microsoft(ANN), "microsoft.com"), SRS, FORWARDER_HOST
        ),
        lambda: Offered(
            replaced(
                sealed(unsigned(ANN), by_microsoft(EVE), "microsoft.com"),
                "header.from=evil.example",
                "header.from=acme.example",
            ),
            SRS,
            FORWARDER_HOST,
        ),
    ),
    Door(
        "SPF alone, forwarded",
        lambda: Offered(sealed(unsigned(HANK, to=ALIAS), by_google(HANK)), GMAIL_PATH),
        lambda: Offered(unsigned(HANK, to=ALIAS), GMAIL_PATH),
    ),
    Door(
        "Microsoft 365 rule marks as automatic",
        lambda: Offered(
            sealed(unsigned(ANN, MARK), by_microsoft(ANN), "microsoft.com"), SRS, FORWARDER_HOST
        ),
        lambda: Offered(unsigned(ANN, MARK), SRS, FORWARDER_HOST),
    ),
    Door(
        "Mailman, author replaced",
        lambda: Offered(through_mailman("help.example"), "desk-bounces@help.example"),
        lambda: Offered(through_mailman(), "desk-bounces@help.example"),
    ),
    Door(
        "Exchange Online as a listed relay",
        lambda: relayed(EXCHANGE_RESULTS, EXCHANGE),
        lambda: relayed(EXCHANGE_RESULTS, ELSEWHERE),
    ),
    Door(
        "Amazon SES as a listed relay",
        lambda: relayed(SES_RESULTS, SES),
        lambda: relayed(SES_RESULTS, EXCHANGE),
    ),
    Door(
        "Yahoo as a listed relay",
        lambda: relayed(YAHOO_RESULTS, YAHOO),
        lambda: relayed(YAHOO_RESULTS.replace("dmarc=pass(p", "dmarc=fail(p"), YAHOO),
    ),
    Door(
        "Zoho as a listed relay",
        lambda: relayed(ZOHO_RESULTS, ZOHO),
        lambda: relayed(ZOHO_RESULTS.replace("<ann@acme", "<ann@acme.example@evil"), ZOHO),
    ),
)
