"""Whether SPF shows that a mail came from its author, where anybody can have an address.

Who has a mailbox at the author's provider redirects what anybody wrote to them: it comes from the
same servers, in the same domain, and with whatever stands in From. If the author signed it, their
signature binds it; else nothing shows that it is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules.mail.addresses import domain_of, is_free_mail, without_detail

OF_SOMEBODY_ELSE = (
    "the envelope sender is not the author's own address, in a domain where anybody can have one"
)


def is_from_author(author: str, senders: Iterable[str]) -> bool:
    """Whether the envelope senders in the author's domain are the author's own address, or the
    domain is no provider's for everybody. Of one whose address is not known the domain counts."""
    if not is_free_mail(domain_of(author)):
        return True
    own = without_detail(author)[0]
    return all(without_detail(sender.lower())[0] == own for sender in senders)
