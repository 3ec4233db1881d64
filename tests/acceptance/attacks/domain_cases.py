"""Attacks on addresses in domains with different DMARC and SPF records."""

from __future__ import annotations

from tests.acceptance.attacks.attack import UNKNOWN, Attack, rejected
from tests.acceptance.internet import (
    ANN,
    DEE,
    GIL,
    HANK,
    HUGO,
    IDA,
    JOE,
    LOU,
    SAM,
    STU,
    ULA,
    VIC,
    a_mail,
    signed_by,
)

DOMAIN_CASES = (
    Attack("p=quarantine", lambda: a_mail(GIL), UNKNOWN, "dmarc_quarantine_refused"),
    Attack("no DMARC record", lambda: a_mail(ULA), UNKNOWN, "unproven"),
    rejected("subdomain under sp=reject", lambda: a_mail(IDA)),
    Attack("organisation with p=none", lambda: a_mail("ida@initech.example"), UNKNOWN, "unproven"),
    Attack("unknown subdomain", lambda: a_mail("ida@x.initech.example"), UNKNOWN, "stranger"),
    rejected(
        "strict alignment: signature of a subdomain",
        lambda: signed_by("mail.strict.example", a_mail(STU)),
    ),
    rejected(
        "strict alignment: SPF of a subdomain",
        lambda: a_mail(STU),
        "spf=policy",
        mail_from="stu@mail.strict.example",
    ),
    rejected(
        "sibling below a public suffix: signature",
        lambda: signed_by("evil.co.example", a_mail(VIC)),
        "dkim=policy",
    ),
    rejected(
        "sibling below a public suffix: SPF",
        lambda: a_mail(VIC),
        "spf=policy",
        mail_from="eve@evil.co.example",
    ),
    rejected(
        "sibling below a shared domain: signature",
        lambda: signed_by("evil.hosting.example", a_mail(JOE)),
        "dkim=policy",
    ),
    rejected(
        "sibling below a shared domain: SPF",
        lambda: a_mail(JOE),
        "spf=policy",
        mail_from="x@evil.hosting.example",
    ),
    rejected(
        "name below the author's domain, of another company: signature",
        lambda: signed_by("lab.acme.example", a_mail(ANN)),
        "dkim=policy",
    ),
    rejected(
        "name below the author's domain, of another company: SPF",
        lambda: a_mail(ANN),
        "spf=policy",
        mail_from="ann@lab.acme.example",
    ),
    rejected(
        "name below our own domain, of a company, in staff's name: signature",
        lambda: signed_by("tenant.help.example", a_mail(SAM)),
        "dkim=policy",
    ),
    rejected(
        "name below our own domain, of a company, in staff's name: SPF",
        lambda: a_mail(SAM),
        "spf=policy",
        mail_from="sam@tenant.help.example",
    ),
    rejected(
        "sibling below a top-level domain with a record",
        lambda: signed_by("evil.example", a_mail(HANK)),
    ),
    rejected("SPF includes 11 deep", lambda: a_mail(DEE), "spf=permerror", mail_from=DEE),
    Attack(
        "SPF and DMARC records of 8 and 40 KB",
        lambda: a_mail(HUGO),
        UNKNOWN,
        "unproven",
        HUGO,
        evidence=("spf=permerror",),
    ),
    Attack(
        "CNAME loops",
        lambda: signed_by("loop.example", a_mail(LOU)),
        UNKNOWN,
        "unproven",
        LOU,
        evidence=("dkim=permerror", "spf=permerror"),
    ),
    Attack("silent name server", lambda: a_mail("sid@silent.example"), "451 4.7.0 ", "dns_failure"),
)
