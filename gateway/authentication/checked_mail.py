"""One mail during the checks, and the domains of other companies that it names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.authentication import spf_check
from gateway.authentication.dkim_check import Candidates
from gateway.authentication.dmarc import could_align
from gateway.authentication.dns import Lookups
from gateway.authentication.offload import Run
from gateway.authentication.results_header import passed_domains
from gateway.authentication.signatures import RawMessage
from gateway.authentication.suffixes import organisation_of
from rules.mail import Envelope
from rules.sender.neighbours import names_above

OfOthers = Callable[[Collection[str], str], Awaitable[Collection[str]]]
"""Which of some domains belong to another company than the author's domain does."""
OF_ANOTHER_COMPANY = "belongs to another company, and proves nobody of this one"


@dataclass(frozen=True, slots=True)
class CheckedMail:
    """One mail during the checks."""

    envelope: Envelope
    message: RawMessage
    signatures: Candidates
    domain: str
    """The author's domain."""
    now: float
    lookups: Lookups
    run: Run
    relays: tuple[str, ...] = ()
    """The names of the listed relays that the client may be."""
    author: str = ""
    """The author's address; empty where it does not matter."""
    others: frozenset[str] = frozenset()
    """Domains that could be aligned with the author's, and belong to another company."""

    @property
    def behind_relay(self) -> bool:
        """Whether the client is an MTA of ours, whose address does not show where the mail came
        from."""
        return bool(self.relays) or self.envelope.handed_on


async def with_others(
    mail: CheckedMail,
    of_others: OfOthers,
    results: Sequence[bytes] = (),
    authserv_id: str | None = None,
) -> CheckedMail:
    """The mail with the domains of other companies among those that it is signed by and sent from,
    and that passed by the `results` of somebody else, of this name. None is asked for that could
    prove nothing, or is above the author's."""
    look = partial(_could_prove, mail, results, authserv_id)
    # Whatever somebody wrote into results takes tens of milliseconds to look at.
    asked = await mail.run(look) if results else look()
    others = await of_others(asked, mail.domain) if asked else ()
    return replace(mail, others=frozenset(others))


def _could_prove(mail: CheckedMail, results: Sequence[bytes], authserv_id: str | None) -> list[str]:
    """Those of the domains that could be aligned with the author's, and are not above it."""
    identity = spf_check.identity_of(mail.envelope)
    # One that lapsed or is refused proves nothing here, but may have to a relay or sealer.
    named = set(mail.signatures.named)
    named |= {identity.domain} if identity is not None else set()
    named |= passed_domains(results, authserv_id)
    above, organisation = names_above(mail.domain), organisation_of(mail.domain)
    # Somebody may have written hundreds, and the suffix list takes long for each.
    named = {each for each in named if each.endswith(organisation) and each not in above}
    return [each for each in named if could_align(each, mail.domain)]


def names_chosen(mail: CheckedMail, sealers: Sequence[str]) -> bool:
    """Whether the sender chose domains, besides the author's own, that are looked up if the author
    is a customer. Known without a look-up, and the same for every author."""
    identity = spf_check.identity_of(mail.envelope)
    domains = {each.domain for each in mail.signatures.signatures}
    if identity is not None and could_align(identity.domain, mail.domain):
        domains.add(identity.domain)
    return bool(domains - {mail.domain}) or bool(sealers and mail.message.named(b"arc-seal"))
