"""The events of the log. Each is a function here, and those of outgoing mail in
`gateway.outgoing.events`; docs/operators.md lists them all.

Subjects and bodies are never logged; `log_output` escapes what a sender wrote (addresses, HELO).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from rules.decision.reasons import Reason, Verdict

if TYPE_CHECKING:  # a supervisor of workers logs too, and needs none of the rules
    from rules.decision.receipt import Receipt
    from rules.mail import Delivery

_OVER_A_LIMIT = (
    Reason.QUOTA,
    Reason.QUARANTINE_FULL,
    Reason.SENDER_RATE,
    Reason.DOMAIN_RATE,
)

logger: structlog.stdlib.BoundLogger = structlog.get_logger("postern")


def takes_mail(**addresses: str) -> None:
    """Mail is taken at these addresses; the rest of the program is loaded meanwhile."""
    logger.info("takes_mail", **addresses)


def started(**addresses: str) -> None:
    """Everything is served, at these addresses."""
    logger.info("started", **addresses)


def stopping() -> None:
    """A stop was requested; the mails that are being received are finished first."""
    logger.info("stopping")


def stopped() -> None:
    """All sockets are closed."""
    logger.info("stopped")


def filed(receipt: Receipt, delivery: Delivery) -> None:
    """One mail was answered; the event is its verdict."""
    noteworthy = receipt.verdict is Verdict.HELD or receipt.reason in _OVER_A_LIMIT
    write = logger.warning if noteworthy else logger.info
    write(
        receipt.verdict.value,
        reason=receipt.reason.value,
        journal=str(receipt.journal_id),
        mailbox=receipt.mailbox,
        ticket=receipt.ticket,
        peer=delivery.envelope.peer,
        mail_from=delivery.envelope.mail_from,
        size_bytes=len(delivery.raw),
        reply=str(receipt.reply),
    )


def notices_withheld(mailbox: str, ticket: int | None, notices: int, cause: str) -> None:
    """A mail or a change caused notices that are not sent, since their readers were sent enough
    about the ticket within the hour. `cause` names the mail's row in the journal, or the door."""
    logger.warning("notices_withheld", mailbox=mailbox, ticket=ticket, notices=notices, cause=cause)


def request_repeated(ticket: int) -> None:
    """A request over the API had the key of an earlier one, and got its answer; nothing was done
    again."""
    logger.info("request_repeated", ticket=ticket)


def changed_over_api(operation: str, path: str, token: str, actor: str) -> None:
    """A request over the API changed something: by the name of a token, and for whom it acted. Of
    mails that are pushed there is `filed`."""
    logger.info("changed_over_api", operation=operation, path=path, token=token, actor=actor)


def requests_delayed(client: str) -> None:
    """A client sends more requests than `http.requests_per_minute`: they wait for their answers."""
    logger.warning("requests_delayed", client=client)


def refusals_counted(network: str, provider: str) -> None:
    """A network, or its IPv6 /32, had more mail refused today than the journal has rows for: its
    further mails are answered as before, but only counted. Once in an hour of such mails."""
    logger.warning("refusals_counted", network=network, provider=provider, see="postern refusals")


def failed(error: BaseException, delivery: Delivery) -> str:
    """A mail was answered 451 because of an error of ours.

    Returns the reference for the reply, by which the log entry is found.
    """
    reference = uuid4().hex[:12]
    logger.error(
        "failed",
        reference=reference,
        peer=delivery.envelope.peer,
        mail_from=delivery.envelope.mail_from,
        size_bytes=len(delivery.raw),
        exc_info=error,
    )
    return reference


def deferred_busy(delivery: Delivery, waiting: int) -> None:
    """A mail was answered 451: its client has too many mails that wait to be read."""
    logger.warning(
        "deferred_busy",
        peer=delivery.envelope.peer,
        mail_from=delivery.envelope.mail_from,
        size_bytes=len(delivery.raw),
        waiting=waiting,
    )


def scheduler_failed(error: BaseException) -> None:
    """A round of scheduled work failed because of an error of ours; the next one follows."""
    logger.error("scheduler_failed", exc_info=error)


def clock_not_reported(ticket: int, error: BaseException) -> None:
    """What is due on the clock of a ticket could not be done; the other tickets are not delayed."""
    logger.error("clock_not_reported", ticket=ticket, exc_info=error)


def certificate_reloaded(file: str) -> None:
    """The certificate was read again; new connections have it."""
    logger.info("certificate_reloaded", file=file)


def certificate_refused(why: str) -> None:
    """It was read again and refused: the old one stays in force."""
    logger.error("certificate_refused", why=why)


def no_mailbox() -> None:
    """The server takes mail for nobody: every recipient is refused until a mailbox is added."""
    logger.warning("no_mailbox", see="postern mailbox add")


def address_shared(address: str, mailboxes: Sequence[str]) -> None:
    """Mail to an address counts as addressed to several mailboxes: its recipient at one of them can
    send it to another. At start, and where policies that are read again have changed it."""
    logger.warning(
        "address_shared", address=address, mailboxes=mailboxes, see="aliases of the policies"
    )


def mailbox_without_policy(mailbox: str, policy: str) -> None:
    """A mailbox names a policy that is not in force: its clocks and held mail are left alone."""
    logger.warning("mailbox_without_policy", mailbox=mailbox, policy=policy)


def release_failed(journal: str, error: BaseException) -> None:
    """A held mail whose author was enrolled could not be filed; it is tried again."""
    logger.error("release_failed", journal=journal, exc_info=error)


def disk_low(free_bytes: int, floor_bytes: int) -> None:
    """Less disk is free than `store.free_mib`: mail is answered 452 until there is more."""
    logger.error("disk_low", free_bytes=free_bytes, floor_bytes=floor_bytes)


def disk_free(free_bytes: int) -> None:
    """Enough disk is free again; mail is taken."""
    logger.info("disk_free", free_bytes=free_bytes)


def loose_permissions(path: str, mode: str) -> None:
    """Other users of this machine may read a file or folder; `fix` is the command against it."""
    logger.warning("loose_permissions", path=path, mode=mode, fix=f"chmod -R go-rwx {path}")


def discarded(journal: str, by: str) -> None:
    """A staff person deleted a held mail: by the link of a digest, in the console or over the
    API."""
    logger.info("discarded", journal=journal, by=by)


def enrolled(mailbox: str, address: str, by: str) -> None:
    """A staff person registered the author of a held mail: by the link of a digest, in the console
    or over the API."""
    logger.info("enrolled", mailbox=mailbox, address=address, by=by)


def console_login(address: str, by: str) -> None:
    """A user of the console logged in: by `password`, by a `link`, or by `openid`."""
    logger.info("console_login", address=address, by=by)


def console_login_failed(address: str) -> None:
    """Somebody gave a wrong password, or the address of nobody, at the console."""
    logger.warning("console_login_failed", address=address)


def console_login_delayed(address: str, network: str) -> None:
    """More passwords were tried at an address than may be; who has logged in from another network
    can still do so there."""
    logger.warning("console_login_delayed", address=address, network=network)


def console_openid_refused(why: str, issuer: str, **about: str) -> None:
    """The identity provider's answer logs nobody in to the console; `about` whom and what it is."""
    logger.warning("console_openid_refused", why=why, issuer=issuer, **about)


def console_openid_key_ignored(issuer: str, key: str, error: str) -> None:
    """A key of the identity provider cannot be read: what it signs logs nobody in."""
    logger.warning("console_openid_key_ignored", issuer=issuer, key=key, error=error)


def registry_changed(mailbox: str, subject: str, change: str, by: str) -> None:
    """A company or a person was registered or changed in the console or over the API."""
    logger.info("registry_changed", mailbox=mailbox, subject=subject, change=change, by=by)


def console_user_changed(address: str, change: str, by: str) -> None:
    """A user of the console was invited or removed there, or has a new way to log in."""
    logger.info("console_user_changed", address=address, change=change, by=by)


def mails_retried(number: int, by: str) -> None:
    """A user of the console had so many outgoing mails tried again. Those about a ticket are in its
    history, too."""
    logger.info("mails_retried", number=number, by=by)


def console_user_not_notified(address: str, change: str) -> None:
    """There is no mailbox that could send a user of the console the mail about a change."""
    logger.warning("console_user_not_notified", address=address, change=change)


def viewer_dropped(address: str) -> None:
    """A browser that watched the journal did not read what it was sent, and is sent no more."""
    logger.warning("viewer_dropped", address=address)


def digest_ordered(mailbox: str, notices: int) -> None:
    """Staff are notified of what waits for them and was not named before."""
    logger.info("digest_ordered", mailbox=mailbox, notices=notices)


def desk_is_empty(mailbox: str) -> None:
    """Something waits for staff, and the mailbox has none who could be notified: none at all, or
    their addresses are suppressed or are mailboxes of ours. Once an hour."""
    logger.warning(
        "desk_is_empty",
        mailbox=mailbox,
        see="postern held list, postern suppression list",
        fix="postern staff add, postern suppression remove",
    )


def cleaned(rows: int, pages: int) -> None:
    """Expired journal rows were deleted, or unused pages of the store given back."""
    logger.info("cleaned", journal_rows=rows, pages=pages)


def sign_up_requested(mailbox: str, address: str, outcome: str, network: str) -> None:
    """Somebody requested a sign-up link; `outcome` is a value of `invitations.Invited`. `network`
    is the client's; empty where it is unknown, as behind a proxy that names nobody."""
    write = logger.warning if outcome.startswith("over_") else logger.info
    write("sign_up_requested", mailbox=mailbox, address=address, outcome=outcome, network=network)


def signed_up(mailbox: str, address: str, outcome: str) -> None:
    """Somebody followed their sign-up link; `outcome` is a value of `invitations.Enrolled`."""
    logger.info("signed_up", mailbox=mailbox, address=address, outcome=outcome)


def page_failed(page: str, error: BaseException) -> None:
    """A page or an API request ended with an error of ours; `page` is the route's pattern."""
    logger.error("page_failed", page=page, exc_info=error)


def api_busy(actor: str) -> None:
    """A request of the API for a ticket or a list was answered 503, since too many others were
    before it. `actor` is the person it was for, or empty; each once a minute."""
    logger.warning("api_busy", actor=actor)


def file_not_read(ticket: int, part: str, why: str) -> None:
    """A file that somebody asked for took too long to be taken out of its mail, or the process
    failed that did it (`why`): they were answered so. The mail is stored as it came."""
    logger.warning("file_not_read", ticket=ticket, part=part, why=why)


def html_not_shown(ticket: int, comment: int, why: str) -> None:
    """The HTML of a comment's mail was too costly to sanitise, or its process ended: readers get
    its text."""
    logger.warning("html_not_shown", ticket=ticket, comment=comment, why=why)


def not_ready(error: BaseException) -> None:
    """`/readyz` was answered 503, since the store did not respond in time, or with an error."""
    logger.warning("not_ready", error=repr(error))


def policies_reloaded(changed: Sequence[str]) -> None:
    """The policy files were read again and are in force; the names of those that differ."""
    logger.info("policies_reloaded", changed=list(changed))


def policies_refused(faults: Sequence[str]) -> None:
    """The policy files were read again and refused: those that were in force still are."""
    logger.error("policies_refused", faults=list(faults))


def policies_not_reloaded(error: BaseException) -> None:
    """The policy files could not be checked: the policies that were in force still are."""
    logger.error("policies_not_reloaded", exc_info=error)


def tickets_left(mailbox: str, policy: str, what: str) -> None:
    """Open tickets have something that their changed policy does not; `what` becomes of them."""
    logger.warning("tickets_left", mailbox=mailbox, policy=policy, what=what)


def policies_not_compared(error: BaseException) -> None:
    """The new policies are in force, but could not be compared with the open tickets."""
    logger.error("policies_not_compared", exc_info=error)


def no_pid_file(path: str, why: str) -> None:
    """`postern reload` will not find this server; SIGHUP still reloads the policies."""
    logger.warning("no_pid_file", path=path, why=why)


def worker_not_replaced(pid: int, status: int, again_s: float) -> None:
    """A new worker was refused by its configuration or policies: another is tried later."""
    logger.error("worker_not_replaced", pid=pid, status=status, again_s=again_s)


def worker_died(pid: int, status: int) -> None:
    """One of `--workers` ended unexpectedly and is replaced."""
    logger.error("worker_died", pid=pid, status=status)
