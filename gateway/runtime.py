"""What most parts of a running Postern share: the store, the registry's cache, policies, clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.clock import Clock, NewId
from gateway.in_time import in_time
from gateway.mailbox_cache import MailboxCache
from gateway.metrics import Metrics
from gateway.parsing.html_views import HtmlViews
from gateway.parsing.mail_files import MailFiles
from gateway.policies import Policies, of_mailbox
from rules.mail import Mailbox
from rules.policy import Policy
from storage.db.database import Connection, Database
from storage.db.ledger import Ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Built once for each process; every part that needs it takes it as an argument."""

    database: Database
    ledger: Ledger
    mailbox_cache: MailboxCache
    policies: Policies
    metrics: Metrics
    clock: Clock
    new_id: NewId
    wake: Callable[[], None]
    """Called after a write that queued a notice, so that it is sent at once."""
    html_views: HtmlViews = field(default_factory=HtmlViews)
    """Sanitises the HTML of mails that somebody reads over the API."""
    mail_files: MailFiles = field(default_factory=MailFiles)
    """Takes out the files of mails that somebody downloads."""

    # Neither method is a coroutine function: that would add one more coroutine to every mail.
    def read(self, query: Callable[[Connection], T]) -> Awaitable[T]:
        """The result of a query, which runs in a thread of its own."""
        return in_time(self.database.submit_read(query))

    def write(self, job: Callable[[Connection], T], *, apart: bool = False) -> Awaitable[T]:
        """The job's result once it is committed; if the job fails, nothing of it is written.
        A job of more than a few milliseconds runs `apart` from the event loop.

        StoreTimeout if that takes too long. A job that had not begun by then never runs; one that
        had begun may still be committed.
        """
        return in_time(self.ledger.submit(job, apart=apart))

    def policy_of(self, mailbox: Mailbox) -> Policy:
        """The policy of a mailbox. Raises PolicyRefused if no policy has that name."""
        return of_mailbox(self.policies, mailbox)
