"""Whether SPF shows that a mail came from its author, where anybody can have an address.

Whoever has a mailbox at the author's provider redirects a mail that the author wrote to them: it
comes from the same servers, in the same domain, and with the author in From.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules.mail.addresses import domain_of, is_free_mail, without_detail


def is_from_author(author: str, senders: Iterable[str]) -> bool:
    """Whether the envelope senders in the author's domain are the author's own address, or the
    domain is no provider's for everybody. Of one whose address is not known the domain counts."""
    if not is_free_mail(domain_of(author)):
        return True
    own = without_detail(author)[0]
    return all(without_detail(sender.lower())[0] == own for sender in senders)
