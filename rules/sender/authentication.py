"""The authentication verdict for the sender of one mail, with its evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self

DmarcPolicy = Literal["none", "quarantine", "reject"]


class Result(StrEnum):
    """The result values of RFC 8601 §2.7, shared by all mechanisms."""

    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    POLICY = "policy"
    """Not used because of a local rule of ours."""
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The result of one mechanism for one domain."""

    method: str
    """A method name of RFC 8601 §2.7: `spf`, `dkim`, `dmarc` or `arc`."""
    result: Result
    domain: str
    """The domain that the mechanism authenticated, as A-labels; empty if there was none."""
    detail: str = ""
    aligned: bool = False
    """Whether the domain is aligned with the author's (RFC 9989 §4.4); false if not looked up."""
    identifier: str = ""
    """The source of the domain as `ptype.property` (RFC 8601 §2.3), such as `smtp.helo`."""

    def __str__(self) -> str:
        """One resinfo of RFC 8601 §2.2: printable ASCII, whatever the sender wrote."""
        text = f"{self.method}={self.result}"
        if self.detail:
            text += f' reason="{_quotable(self.detail)}"'
        identifier = self.identifier or _IDENTIFIERS.get(self.method, "")
        if identifier and self.domain:
            text += f" {identifier}={_token(self.domain)}"
        return text


@dataclass(frozen=True, slots=True)
class SignedScope:
    """What the signature that proves an author covers."""

    fingerprint: str
    """SHA-256 (hex) of the signed content: equal for every copy of the signed mail, however its
    signature is encoded."""
    names: tuple[str, ...]
    """The signed fields in lower case, each as often as in `h=` (RFC 6376 §3.5); of several valid
    signatures, as often as in the one that covers it most."""
    alone: bool = True
    """Nothing but the signature proves the author: anybody may have sent the mail again, with
    additions that the signature does not cover."""
    problem: str = ""
    """Why what is not signed could change how the body is read; empty if it could not."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The verdict for one mail; the From address is an identity only if `aligned`."""

    aligned: bool
    """Something that we trust vouches for the author's domain."""
    by: str = ""
    """What proved it: `dkim:acme.example`, `peer:127.0.0.1`; empty if nothing did."""
    dmarc: Result = Result.NONE
    dmarc_policy: DmarcPolicy = "none"
    """The policy of the author's domain for this mail, with subdomain rules and `t=y` applied
    (RFC 9989 §4.7); `none` unless `dmarc` failed and nothing else proved the author."""
    temporary: bool = False
    """DNS failures prevented a verdict, so a later attempt may have another result."""
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    signed_scope: SignedScope | None = None
    """Set if a signature proves the author, alone or with other evidence."""
    author_scope: SignedScope | None = None
    """What the author's own signatures cover of a sealed mail, where the sealer states an SPF pass
    besides, so that `signed_scope` is larger: a policy may not count that. None for any other."""
    vouched_by: str = ""
    """What stands behind a mail that has no single author: `peer:127.0.0.1`, `relay:mx.example`,
    or `dkim:acme.example`, the signature of a registered company. It proves nobody: such a mail is
    worth keeping for a person to look at, that is all."""
    fingerprints: tuple[str, ...] = ()
    """Of what each signature over the mail covers, whether or not its key was found: the mail is
    recognised by any of them. They do not depend on the DNS."""
    key_unanswered: bool = False
    """`temporary`, of the signatures alone: a policy may require one."""
    by_spf_alone: bool = False
    """A relay or sealer vouches for the author's domain, and states that SPF alone proved it."""
    names_chosen: bool = False
    """The sender chose domains, besides the author's, that would be looked up for a customer's
    mail: a refusal is given when that would have ended, whether or not anything was looked up. Not
    stored."""
    attached: str = ""
    """What proves the author of the one mail that a staff person attached: `dkim:acme.example`, a
    signature of that mail. Empty if nothing does."""
    author: str = ""
    """The author, where a list of ours replaced them in From by its own address; then everything
    else here is about them. Empty if From is the author."""

    @classmethod
    def by_peer(
        cls, peer: str, warnings: tuple[str, ...] = (), fingerprints: tuple[str, ...] = ()
    ) -> Self:
        """The client is trusted to send only genuine authors; nothing was looked up."""
        return cls(aligned=True, by=f"peer:{peer}", warnings=warnings, fingerprints=fingerprints)

    @classmethod
    def by_relay(cls, authserv_id: str, evidence: Evidence, warnings: tuple[str, ...] = ()) -> Self:
        """A trusted relay stated it in its Authentication-Results (RFC 8601 §4.1)."""
        dmarc = Result.PASS if evidence.method == "dmarc" else Result.NONE
        return cls(
            aligned=True,
            by=f"relay:{authserv_id}",
            dmarc=dmarc,
            evidence=(evidence,),
            warnings=warnings,
        )

    @classmethod
    def by_staff(cls, name: str) -> Self:
        """A staff member examined the mail and vouches for its author."""
        return cls(aligned=True, by=f"staff:{name}")

    @property
    def staff(self) -> str:
        """The name of the staff member who vouches for the author; empty if none does."""
        kind, _, name = self.by.partition(":")
        return name if kind == "staff" else ""

    @classmethod
    def unchecked(cls, why: str, warnings: tuple[str, ...] = ()) -> Self:
        """Nothing can be proven, whatever the DNS contains; `why` becomes a warning."""
        return cls(aligned=False, warnings=(*warnings, why))

    def to_results_header(self, authserv_id: str) -> str:
        """The field of RFC 8601 §2.2 with its name, folded at each result, without last CRLF."""
        results = [str(each) for each in self.evidence]
        if not results:
            comment = re.sub(r"[^A-Za-z0-9.:\[\] -]", "?", self.by or "nothing checked")
            results = [f"none ({comment})"]
        return ";\r\n ".join([f"Authentication-Results: {authserv_id}", *results])


ASSUMED = Authentication(aligned=True, by="assumption")
"""As if a signature of the author's domain were on a mail, for previews alone."""


def as_dict(verdict: Authentication) -> dict[str, object]:
    """The verdict in JSON types, for the trace and the journal."""
    return {
        "aligned": verdict.aligned,
        "by": verdict.by,
        "dmarc": verdict.dmarc.value,
        "dmarc_policy": verdict.dmarc_policy,
        "by_spf_alone": verdict.by_spf_alone,
        "temporary": verdict.temporary,
        "key_unanswered": verdict.key_unanswered,
        "evidence": [
            {
                "method": each.method,
                "result": each.result.value,
                "domain": each.domain,
                "detail": each.detail,
                "aligned": each.aligned,
                "identifier": each.identifier,
            }
            for each in verdict.evidence
        ],
        "warnings": list(verdict.warnings),
        "vouched_by": verdict.vouched_by,
        **_scope_as_dict("seal", verdict.signed_scope),
        **_scope_as_dict("author_seal", verdict.author_scope),
        "fingerprints": list(verdict.fingerprints),
        "author": verdict.author,
        "attached": verdict.attached,
    }


def from_dict(stored: Mapping[str, Any]) -> Authentication:
    """The verdict from the result of `as_dict`. Stored, since DKIM keys expire: a mail that is
    decided later keeps its first verdict. What is missing was not found."""
    scope = _scope_from_dict("seal", stored)
    return Authentication(
        aligned=stored["aligned"],
        by=stored.get("by", ""),
        dmarc=Result(stored.get("dmarc", Result.NONE)),
        dmarc_policy=stored.get("dmarc_policy", "none"),
        by_spf_alone=stored.get("by_spf_alone", False),
        temporary=stored.get("temporary", False),
        key_unanswered=stored.get("key_unanswered", False),
        evidence=tuple(
            Evidence(
                method=each["method"],
                result=Result(each["result"]),
                domain=each["domain"],
                detail=each["detail"],
                aligned=each["aligned"],
                identifier=each["identifier"],
            )
            for each in stored.get("evidence", ())
        ),
        warnings=tuple(stored.get("warnings", ())),
        vouched_by=stored.get("vouched_by", ""),
        signed_scope=scope,
        author_scope=_scope_from_dict("author_seal", stored),
        # Until 2026-11-28 only the fingerprint of the scope was known.
        fingerprints=tuple(stored.get("fingerprints", (scope.fingerprint,) if scope else ())),
        author=stored.get("author", ""),
        attached=stored.get("attached", ""),
    )


def _scope_as_dict(name: str, scope: SignedScope | None) -> dict[str, object]:
    if scope is None:
        return {name: None}
    return {
        name: [scope.fingerprint, *scope.names],
        f"{name}_alone": scope.alone,
        f"{name}_problem": scope.problem,
    }


def _scope_from_dict(name: str, stored: Mapping[str, Any]) -> SignedScope | None:
    # Until 2026-11-21 only scopes with `alone` were stored, without that key.
    fingerprint, *names = stored.get(name) or ("",)
    if not fingerprint:
        return None
    return SignedScope(
        fingerprint=fingerprint,
        names=tuple(names),
        alone=stored.get(f"{name}_alone", True),
        problem=stored.get(f"{name}_problem", ""),
    )


def domain_warnings(domain: str) -> tuple[str, ...]:
    """Warnings for a person about the appearance of `domain` (A-labels).

    A label that mixes scripts, such as Cyrillic and Latin letters, may imitate another name
    (UTS #39 §5.2). Never a reason to refuse by itself: look-ups compare A-labels exactly.
    """
    found = []
    for label in domain.split("."):
        if not label.startswith("xn--"):
            continue
        try:
            shown = label[4:].encode("ascii").decode("punycode")
        except (UnicodeError, ValueError, OverflowError):
            found.append(f"label {label} is not valid punycode")
            continue
        scripts = _scripts(shown)
        if len(scripts) > 1:
            found.append(f"label {label} mixes scripts: {', '.join(scripts)}")
    return tuple(found)


_IDENTIFIERS = {"spf": "smtp.mailfrom", "dkim": "header.d", "dmarc": "header.from"}

# Mixed in normal Japanese and Korean text, with or without Latin letters (UTS #39 §5.2, the "highly
# restrictive" level), hence treated as one script.
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"})


def _scripts(text: str) -> Sequence[str]:
    """Script names in `text`, sorted. Python has no script property, but character names begin
    with the script."""
    names = {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in text if letter.isalpha()}
    if names & _EAST_ASIAN:
        names -= _EAST_ASIAN | {"LATIN"}
        names.add("EAST ASIAN")
    return sorted(names)


def _quotable(text: str) -> str:
    """`text` as the content of a quoted-string (RFC 5322 §3.2.4), at most 200 characters."""
    clean = re.sub(r"[^ -~]", "?", text[:200])
    return re.sub(r'(["\\])', r"\\\1", clean)


def _token(text: str) -> str:
    """`text` with characters that no domain name contains replaced, so nothing can be injected."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text[:253])
