"""What could be proven about the sender of one mail, with the evidence for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self

DmarcPolicy = Literal["none", "quarantine", "reject"]


class Result(StrEnum):
    """The result words of RFC 8601 §2.7, shared by all mechanisms."""

    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    POLICY = "policy"
    """Left unused on purpose: a rule of ours refuses what was offered."""
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one mechanism said about one domain."""

    method: str
    """A method name of RFC 8601 §2.7: `spf`, `dkim`, `dmarc` or `arc`."""
    result: Result
    domain: str
    """The domain that the mechanism speaks for, as A-labels; empty if it named none."""
    detail: str = ""
    aligned: bool = False
    """Whether the domain is aligned with the author's (RFC 9989 §4.4); false if never looked up."""
    identifier: str = ""
    """Where the domain was read, as `ptype.property` (RFC 8601 §2.3), such as `smtp.helo`."""

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
    """SHA-256 (hex) of what was signed: the same for every copy of the signed mail, in whatever
    spelling the signature comes."""
    names: tuple[str, ...]
    """The signed fields in lower case, as often as `h=` names each (RFC 6376 §3.5)."""
    alone: bool = True
    """Nothing but the signature proves the author: anybody may have sent the mail on, and added
    to it what the signature does not cover."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The verdict about one mail; identity may be taken from From only if `aligned`."""

    aligned: bool
    """Something that we trust vouches for the author's domain."""
    by: str
    """What proved it: `dkim:acme.example`, `peer:127.0.0.1`; empty while nothing did."""
    dmarc: Result
    dmarc_policy: DmarcPolicy
    """What to do with this mail by the wish of the author's domain, subdomain rules and `t=y`
    applied (RFC 9989 §4.7); `none` unless `dmarc` failed and nothing else proved the author."""
    temporary: bool
    """DNS kept us from a verdict, so a later attempt may end otherwise."""
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    signed_scope: SignedScope | None = None
    """Set where a signature proves the author, alone or not."""

    @classmethod
    def by_peer(cls, peer: str, warnings: tuple[str, ...] = ()) -> Self:
        """The client itself is trusted to send only true authors; nothing was looked up."""
        return cls(True, f"peer:{peer}", Result.NONE, "none", False, (), warnings)

    @classmethod
    def by_relay(cls, authserv_id: str, evidence: Evidence, warnings: tuple[str, ...] = ()) -> Self:
        """A trusted relay stated it in its Authentication-Results (RFC 8601 §4.1)."""
        dmarc = Result.PASS if evidence.method == "dmarc" else Result.NONE
        return cls(True, f"relay:{authserv_id}", dmarc, "none", False, (evidence,), warnings)

    @classmethod
    def by_staff(cls, name: str) -> Self:
        """A person of ours looked at the mail and vouches for its author."""
        return cls(True, f"staff:{name}", Result.NONE, "none", False)

    @classmethod
    def unchecked(cls, why: str, warnings: tuple[str, ...] = ()) -> Self:
        """Nothing could be proven, and no DNS can change that; `why` is kept as a warning."""
        return cls(False, "", Result.NONE, "none", False, (), (*warnings, why))

    def to_results_header(self, authserv_id: str) -> str:
        """The field of RFC 8601 §2.2 with name, folded at each result, without the last CRLF."""
        results = [str(each) for each in self.evidence]
        if not results:
            comment = re.sub(r"[^A-Za-z0-9.:\[\] -]", "?", self.by or "nothing checked")
            results = [f"none ({comment})"]
        return ";\r\n ".join([f"Authentication-Results: {authserv_id}", *results])


def as_dict(verdict: Authentication) -> dict[str, object]:
    """The verdict in types that JSON knows, for the trace and the journal."""
    return {
        "aligned": verdict.aligned,
        "by": verdict.by,
        "dmarc": verdict.dmarc.value,
        "dmarc_policy": verdict.dmarc_policy,
        "temporary": verdict.temporary,
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
        "seal": [verdict.signed_scope.fingerprint, *verdict.signed_scope.names]
        if verdict.signed_scope
        else None,
        "seal_alone": verdict.signed_scope is not None and verdict.signed_scope.alone,
    }


def from_dict(stored: Mapping[str, Any]) -> Authentication:
    """The verdict that `as_dict` gave; keys expire, so a mail decided later keeps its first one."""
    return Authentication(
        aligned=stored["aligned"],
        by=stored["by"],
        dmarc=Result(stored["dmarc"]),
        dmarc_policy=stored["dmarc_policy"],
        temporary=stored["temporary"],
        evidence=tuple(
            Evidence(
                each["method"],
                Result(each["result"]),
                each["domain"],
                each["detail"],
                each["aligned"],
                each["identifier"],
            )
            for each in stored["evidence"]
        ),
        warnings=tuple(stored["warnings"]),
        # Until 2026-11-21 only seals that stand alone were kept, without saying so.
        signed_scope=SignedScope(
            stored["seal"][0], tuple(stored["seal"][1:]), stored.get("seal_alone", True)
        )
        if stored["seal"]
        else None,
    )


def domain_warnings(domain: str) -> tuple[str, ...]:
    """What a person should know before trusting the look of `domain` (A-labels).

    A label that mixes scripts, such as Cyrillic among Latin letters, imitates another name
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

# Written together in Japanese and Korean, with or without Latin letters (UTS #39 §5.2, the
# "highly restrictive" level), hence one script for our purpose.
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"})


def _scripts(text: str) -> Sequence[str]:
    """Script names in `text`, sorted. Python knows no script property; character names start
    with it."""
    names = {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in text if letter.isalpha()}
    if names & _EAST_ASIAN:
        names -= _EAST_ASIAN | {"LATIN"}
        names.add("EAST ASIAN")
    return sorted(names)


def _quotable(text: str) -> str:
    """`text` as the inside of a quoted-string (RFC 5322 §3.2.4), at most 200 characters."""
    clean = re.sub(r"[^ -~]", "?", text[:200])
    return re.sub(r'(["\\])', r"\\\1", clean)


def _token(text: str) -> str:
    """`text` with what a domain name cannot hold replaced, so that no field is injected."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text[:253])
