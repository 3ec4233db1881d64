"""What happens to a mail before its transaction: parsed, authenticated, considered by mailbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.authentication.authenticator import Authenticator
from gateway.authentication.checked_mail import OfOthers
from gateway.mailbox_cache import Snapshot
from gateway.parsing.apart import NotHereError
from gateway.parsing.attached_mails import is_read_as_sent
from gateway.parsing.bounce import read_bounce
from gateway.parsing.parser import Parser
from gateway.parsing.taken import Wanted
from gateway.parsing.taking import files_of
from gateway.runtime import Runtime
from rules.decision.considered import Attempt, Received, StaffRelease, consider
from rules.mail import Body, Delivery, Mail, Mailbox, Unread
from rules.mail.bounces import Bounce
from rules.mail.header import Ambiguous, Author
from rules.mail.lists import replaced_author
from rules.sender.authentication import Authentication
from rules.sender.pointers import answers_something
from rules.ticket.changes import Source
from storage.db import raw_mail
from storage.mail import filing
from storage.mail.apply import Entry
from storage.mail.quarantine import HeldMail
from storage.registry.lookup import (
    company_domains_among,
    knows_domain_of,
    may_forward_for,
    of_other_companies,
)

FEW_MAILBOXES = 8
"""A mail to so many mailboxes is decided in the event loop, if it is an ordinary one: each takes a
millisecond or a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedByStaff:
    """What staff state about a held mail that they release."""

    author: Author | None = None
    """None for the one in From."""
    as_new: bool = False
    """It opens a ticket, whatever it points to."""
    onto: int | None = None
    """The ticket that it goes onto."""
    why: str = ""
    source: Source = Source.CONSOLE

    @property
    def foreseen_by(self) -> StatedByStaff:
        """What of it a page takes into account that shows what a release does: the author whom the
        mail does not name, and with them the ticket. A ticket for a mail that names its author is
        not foreseen: the page shows what a release does without one."""
        if self.author is None:
            return StatedByStaff()
        return StatedByStaff(author=self.author, onto=self.onto)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Makes the entries of a mail: the input of its transaction."""

    runtime: Runtime
    parser: Parser
    authenticator: Authenticator

    async def entries(
        self,
        delivery: Delivery,
        *,
        judged: bool = False,
        assumed: Authentication | None = None,
    ) -> list[Entry]:
        """The mail, once for each of our mailboxes that it came to; empty where it came to none.

        A mail whose body costs more than a few milliseconds is judged with its body unread, and its
        body is read only if the decision depends on it. `judged` is true for a mail of which that
        is known. With an `assumed` proof nothing is looked up: for previews alone.
        """
        snapshot = await self.runtime.mailbox_cache.current()
        deliveries = _by_mailbox(delivery, snapshot)
        if not deliveries:
            return []
        mail = await self.parser.begin(delivery.raw, delivery.envelope)
        began = time.monotonic()
        authentication = assumed or await self._authenticate(delivery, mail, deliveries)
        ordinary = not isinstance(mail.body, Unread)
        if ordinary:
            authentication = await self._with_attached(
                delivery, mail, authentication, deliveries, began
            )
        make = partial(self._entries, delivery, deliveries, authentication, snapshot, ordinary)
        if ordinary and len(deliveries) <= FEW_MAILBOXES:
            return make(mail, _packed(delivery.raw))
        if ordinary:
            return await self.parser.apart(lambda: make(mail, _packed(delivery.raw)))
        if not judged:
            unread = await self.parser.apart(partial(make, mail, _NOT_PACKED))
            judgement = await self.runtime.read(partial(filing.judge, entries=unread))
            if not judgement.needs_body:
                if not judgement.keeps_mail:
                    return unread
                return make(mail, await self.parser.apart(partial(_packed, delivery.raw)))
        mail = await self.parser.read_rest(mail, delivery.raw, delivery.envelope)
        authentication = await self._with_attached(
            delivery, mail, authentication, deliveries, began
        )
        make = partial(self._entries, delivery, deliveries, authentication, snapshot, ordinary)
        return await self.parser.apart(lambda: make(mail, _packed(delivery.raw)))

    def _entries(
        self,
        delivery: Delivery,
        deliveries: Mapping[Mailbox, Delivery],
        authentication: Authentication,
        snapshot: Snapshot,
        ordinary: bool,
        mail: Mail,
        packed: _Packed,
    ) -> list[Entry]:
        entries = []
        bounces = _bounces(mail, delivery.raw, ordinary)
        considered_mail = replace(mail, bounces=()) if mail.bounces else mail
        for mailbox, delivered in deliveries.items():
            now = self.runtime.clock()
            received = Received(
                mail=considered_mail,
                envelope=delivered.envelope,
                mailbox=mailbox,
                authentication=authentication,
                first_authentication=authentication,
                read_bounces=bounces,
                came_at=now,
            )
            entries.append(
                self._entry(received, Attempt(now, now), delivered.raw, packed, snapshot)
            )
        return entries

    async def held_entries(
        self,
        held: HeldMail,
        delivery: Delivery,
        authentication: Authentication,
        *each_stated: StatedByStaff,
    ) -> list[Entry]:
        """A held mail that is decided again, once for each of what staff state about it."""
        begun = await self.parser.begin(delivery.raw)
        ordinary = not isinstance(begun.body, Unread)
        mail = await self.parser.read_rest(begun, delivery.raw)
        authentication = replace(authentication, attached=held.authentication.attached)
        snapshot = await self.runtime.mailbox_cache.current()
        here = snapshot.mailboxes.get(held.mailbox.address, held.mailbox)
        received = Received(
            mail=replace(mail, bounces=()),
            envelope=held.envelope,
            mailbox=replace(held.mailbox, postmaster=here.postmaster),
            authentication=authentication,
            first_authentication=held.authentication,
            read_bounces=_bounces(mail, delivery.raw, ordinary),
            came_at=held.came_at,
        )
        # On the command line it is the name of an account, which is no address.
        by = authentication.staff
        by = by if not by or "@" in by else f"console:{by}"
        now = self.runtime.clock()

        def make(packed: _Packed, stated: StatedByStaff) -> Entry:
            release = StaffRelease(by, stated.source, held.reason, stated.why) if by else None
            attempt = Attempt(now, held.came_at, held.journal_id, release)
            as_stated = replace(
                received, stated_author=stated.author, as_new=stated.as_new, onto=stated.onto
            )
            return self._entry(as_stated, attempt, delivery.raw, packed, snapshot)

        def make_each() -> list[Entry]:
            packed = _packed(delivery.raw)
            return [make(packed, stated) for stated in each_stated]

        return make_each() if ordinary else await self.parser.apart(make_each)

    def _entry(
        self,
        received: Received,
        attempt: Attempt,
        raw: bytes,
        packed: _Packed,
        snapshot: Snapshot,
    ) -> Entry:
        considered = consider(
            received,
            keys=snapshot.keys,
            own_addresses=snapshot.own_addresses | self._public_addresses,
            policy=self.runtime.policy_of(received.mailbox),
        )
        return Entry(
            journal_id=self.runtime.new_id(),
            considered=considered,
            attempt=attempt,
            delivery=Delivery(received.envelope, raw),
            compressed=packed[0],
            digest=packed[1],
            new_id=self.runtime.new_id,
        )

    async def _authenticate(
        self, delivery: Delivery, mail: Mail, mailboxes: Iterable[Mailbox]
    ) -> Authentication:
        """A mail that will be refused whatever its proof costs no look-up in the DNS.

        Whether it is authenticated depends on what the mail itself contains and on its author's
        domain, and never on their address or on what is filed here: a look-up can be timed.
        """
        ours = tuple(mailboxes)
        if isinstance(mail.author, Ambiguous):
            return await self._vouch(delivery, ours)
        addresses = set.intersection(*map(self._list_addresses, ours))
        if (author := replaced_author(mail.header, mail.author, addresses)) is not None:
            found = await self.authenticator.authenticate_through_list(
                delivery, mail.author, author, self._of_others(ours)
            )
            if found is not None:
                return found
        formats = {self.runtime.policy_of(m).subject_tag.format for m in ours}
        query = partial(knows_domain_of, mailboxes=ours, author=mail.author.address)

        async def is_known() -> bool:
            return await self.runtime.read(query)

        async def worth_asking() -> bool:
            return answers_something(mail, delivery.envelope, formats) or await is_known()

        return await self.authenticator.authenticate(
            delivery, mail.author, worth_asking, is_known, self._of_others(ours)
        )

    def _of_others(self, mailboxes: Sequence[Mailbox]) -> OfOthers:
        async def of_others(domains: Collection[str], author_domain: str) -> Collection[str]:
            return await self.runtime.read(
                partial(
                    of_other_companies,
                    mailboxes=mailboxes,
                    domains=domains,
                    author_domain=author_domain,
                )
            )

        return of_others

    async def _with_attached(
        self,
        delivery: Delivery,
        mail: Mail,
        authentication: Authentication,
        mailboxes: Iterable[Mailbox],
        began: float,
    ) -> Authentication:
        """The verdict with what proves the author of the one mail that is attached. It is looked
        up only if a staff person sends it, proven, and its author is registered as a customer."""
        attached = attached_mails(mail)
        if not authentication.aligned or len(attached) != 1 or not isinstance(mail.author, Author):
            return authentication
        ((part, author),) = attached
        query = partial(
            may_forward_for, mailboxes=tuple(mailboxes), staff=mail.author.address, customer=author
        )
        if not author or not await self.runtime.read(query):
            return authentication

        content = await self._attached(delivery, part)
        is_whole = await self.parser.apart(partial(is_read_as_sent, content, author))
        signed = content if is_whole else b""
        left_s = self.authenticator.budget_s - (time.monotonic() - began)
        by = await self.authenticator.signed_by_author(
            signed, author, delivery, left_s, self._of_others(tuple(mailboxes))
        )
        return replace(authentication, attached=by)

    async def _attached(self, delivery: Delivery, part: str) -> bytes:
        """The bytes of a mail that is attached to another; empty where they cannot be read, as of
        one inside of a file, whose parts are not those of the mail."""
        wanted = Wanted((part,), examined=False)
        try:
            read = partial(files_of, delivery.raw, wanted, here=True)
            found = await self.parser.apart(read)
        except NotHereError:
            found = await self.parser.files(delivery.raw, wanted, delivery.envelope)
        return b"" if found is None else found[part].content

    @property
    def _public_addresses(self) -> frozenset[str]:
        """The aliases and lists of all mailboxes: what is sent to them comes here as well."""
        policies = self.runtime.policies.values()
        return frozenset[str]().union(*(policy.public_addresses for policy in policies))

    def _list_addresses(self, mailbox: Mailbox) -> set[str]:
        """The addresses of ours that a list may write into From of what it sends to a mailbox."""
        return {mailbox.address, *self.runtime.policy_of(mailbox).public_addresses}

    async def _vouch(self, delivery: Delivery, mailboxes: Sequence[Mailbox]) -> Authentication:
        """What stands behind a mail without a single author; no query unless it is signed."""

        async def registered_among(domains: Collection[str]) -> Collection[str]:
            query = partial(company_domains_among, mailboxes=mailboxes, domains=domains)
            return await self.runtime.read(query)

        return await self.authenticator.vouch(delivery, registered_among)


def attached_mails(mail: Mail) -> list[tuple[str, str]]:
    """The part and the author of each mail that is attached to one whose body is read; no author
    of one that was not read as it was sent."""
    if not isinstance(mail.body, Body):
        return []
    attached = [(a.part, a.mail) for a in mail.body.attachments if a.mail is not None]
    return [(part, "" if each.is_narrowed else each.author) for part, each in attached]


def _bounces(mail: Mail, raw: bytes, ordinary: bool) -> Callable[[], tuple[Bounce, ...]]:
    """Reads the delivery reports of a mail, once for all of its mailboxes; those of one that is not
    ordinary were read with its body."""
    if not ordinary:
        return lambda: mail.bounces
    read: list[tuple[Bounce, ...]] = []

    def once() -> tuple[Bounce, ...]:
        if not read:
            read.append(read_bounce(raw))
        return read[0]

    return once


_Packed = tuple[bytes, str]
"""A raw mail, compressed, and its digest."""
_NOT_PACKED: _Packed = (b"", "")


def _packed(raw: bytes) -> _Packed:
    return raw_mail.compress(raw), raw_mail.digest_of(raw)


def _by_mailbox(delivery: Delivery, snapshot: Snapshot) -> dict[Mailbox, Delivery]:
    """The delivery for each of our mailboxes, with that mailbox's recipients."""
    recipients: dict[Mailbox, list[str]] = {}
    for recipient in delivery.envelope.rcpt_tos:
        if (mailbox := snapshot.mailbox_for(recipient)) is not None:
            recipients.setdefault(mailbox, []).append(recipient)
    return {mailbox: _only_to(addresses, delivery) for mailbox, addresses in recipients.items()}


def _only_to(addresses: Sequence[str], delivery: Delivery) -> Delivery:
    envelope = delivery.envelope
    if len(addresses) == len(envelope.rcpt_tos):
        return delivery
    return replace(delivery, envelope=replace(envelope, rcpt_tos=tuple(addresses)))
