"""The events of the log. Each is a function here; docs/operators.md lists them all.

Subjects and bodies are never logged; `log_output` escapes what a sender wrote (addresses, HELO).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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

_log: structlog.stdlib.BoundLogger = structlog.get_logger("postern")


def takes_mail(**addresses: str) -> None:
    """Mail is taken at these addresses; the rest of the program is loaded meanwhile."""
    _log.info("takes_mail", **addresses)


def started(**addresses: str) -> None:
    """Everything is served, at these addresses."""
    _log.info("started", **addresses)


def stopping() -> None:
    """A stop was requested; the mails that are being received are finished first."""
    _log.info("stopping")


def stopped() -> None:
    """All sockets are closed."""
    _log.info("stopped")


def filed(receipt: Receipt, delivery: Delivery) -> None:
    """One mail was answered; the event is its verdict."""
    noteworthy = receipt.verdict is Verdict.HELD or receipt.reason in _OVER_A_LIMIT
    write = _log.warning if noteworthy else _log.info
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
    _log.warning("notices_withheld", mailbox=mailbox, ticket=ticket, notices=notices, cause=cause)


def request_repeated(ticket: int) -> None:
    """A request over the API had the key of an earlier one, and got its answer; nothing was done
    again."""
    _log.info("request_repeated", ticket=ticket)


def changed_over_api(operation: str, path: str, token: str, actor: str) -> None:
    """A request over the API changed something: by the name of a token, and for whom it acted. Of
    mails that are pushed there is `filed`."""
    _log.info("changed_over_api", operation=operation, path=path, token=token, actor=actor)


def requests_delayed(client: str) -> None:
    """A client sends more requests than `http.requests_per_minute`: they wait for their answers."""
    _log.warning("requests_delayed", client=client)


def refusals_counted(network: str, provider: str) -> None:
    """A network, or its IPv6 /32, had more mail refused today than the journal has rows for: its
    further mails are answered as before, but only counted. Once in an hour of such mails."""
    _log.warning("refusals_counted", network=network, provider=provider, see="postern refusals")


def failed(error: BaseException, delivery: Delivery) -> str:
    """A mail was answered 451 because of an error of ours.

    Returns the reference for the reply, by which the log entry is found.
    """
    reference = uuid4().hex[:12]
    _log.error(
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
    _log.warning(
        "deferred_busy",
        peer=delivery.envelope.peer,
        mail_from=delivery.envelope.mail_from,
        size_bytes=len(delivery.raw),
        waiting=waiting,
    )


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """How the events name one outgoing mail."""

    notice: str
    kind: str
    mailbox: str
    to: str
    ticket: int | None


def sent(mail: OutgoingMail, attempts: int) -> None:
    """The relay accepted one outgoing mail."""
    _log.info("sent", **asdict(mail), attempts=attempts)


def send_delayed(mail: OutgoingMail, attempts: int, error: str, until: str) -> None:
    """The relay did not accept one outgoing mail; it is tried again at `until`."""
    _log.warning("send_delayed", **asdict(mail), attempts=attempts, error=error, until=until)


def send_dropped(mail: OutgoingMail, why: str) -> None:
    """A notice was not sent, since its reader may not have it any more when it was due."""
    _log.warning("send_dropped", **asdict(mail), why=why)


def send_failed(mail: OutgoingMail, attempts: int, error: str) -> None:
    """One outgoing mail is dead: tried no more. `postern outbox` shows it and tries it again."""
    _log.error("send_failed", **asdict(mail), attempts=attempts, error=error)


def template_refused(template: str, error: str) -> None:
    """An operator's template is invalid; the shipped one is used instead."""
    _log.error("template_refused", template=template, error=error)


def relay_refused(error: str) -> None:
    """The relay accepts no mail from us, whatever the recipient."""
    _log.error("relay_refused", error=error)


def claims_taken_over(node: str, notices: int) -> None:
    """A node died while it held notices; they are sent by the other nodes now."""
    _log.warning("claims_taken_over", node=node, notices=notices)


def claim_too_slow(most: int) -> None:
    """The store took too long to claim due notices; the next claim takes at most so many."""
    _log.warning("claim_too_slow", most=most)


def dispatcher_failed(error: BaseException) -> None:
    """A round of sending failed because of an error of ours; the next one follows."""
    _log.error("dispatcher_failed", exc_info=error)


def scheduler_failed(error: BaseException) -> None:
    """A round of scheduled work failed because of an error of ours; the next one follows."""
    _log.error("scheduler_failed", exc_info=error)


def clock_not_reported(ticket: int, error: BaseException) -> None:
    """What is due on the clock of a ticket could not be done; the other tickets are not delayed."""
    _log.error("clock_not_reported", ticket=ticket, exc_info=error)


def certificate_reloaded(file: str) -> None:
    """The certificate was read again; new connections have it."""
    _log.info("certificate_reloaded", file=file)


def certificate_refused(why: str) -> None:
    """It was read again and refused: the old one stays in force."""
    _log.error("certificate_refused", why=why)


def no_mailbox() -> None:
    """The server takes mail for nobody: every recipient is refused until a mailbox is added."""
    _log.warning("no_mailbox", see="postern mailbox add")


def address_shared(address: str, mailboxes: Sequence[str]) -> None:
    """Mail to an address counts as addressed to several mailboxes: its recipient at one of them can
    send it to another. At start, and where policies that are read again have changed it."""
    _log.warning(
        "address_shared", address=address, mailboxes=mailboxes, see="aliases of the policies"
    )


def mailbox_without_policy(mailbox: str, policy: str) -> None:
    """A mailbox names a policy that is not in force: its clocks and held mail are left alone."""
    _log.warning("mailbox_without_policy", mailbox=mailbox, policy=policy)


def release_failed(journal: str, error: BaseException) -> None:
    """A held mail whose author was enrolled could not be filed; it is tried again."""
    _log.error("release_failed", journal=journal, exc_info=error)


def disk_low(free_bytes: int, floor_bytes: int) -> None:
    """Less disk is free than `store.free_mib`: mail is answered 452 until there is more."""
    _log.error("disk_low", free_bytes=free_bytes, floor_bytes=floor_bytes)


def disk_free(free_bytes: int) -> None:
    """Enough disk is free again; mail is taken."""
    _log.info("disk_free", free_bytes=free_bytes)


def loose_permissions(path: str, mode: str) -> None:
    """Other users of this machine may read a file or folder; `fix` is the command against it."""
    _log.warning("loose_permissions", path=path, mode=mode, fix=f"chmod -R go-rwx {path}")


def discarded(journal: str, by: str) -> None:
    """A staff person deleted a held mail: by the link of a digest, in the console or over the
    API."""
    _log.info("discarded", journal=journal, by=by)


def enrolled(mailbox: str, address: str, by: str) -> None:
    """A staff person registered the author of a held mail: by the link of a digest, in the console
    or over the API."""
    _log.info("enrolled", mailbox=mailbox, address=address, by=by)


def console_login(address: str, by: str) -> None:
    """A user of the console logged in: by `password`, by a `link`, or by `openid`."""
    _log.info("console_login", address=address, by=by)


def console_login_failed(address: str) -> None:
    """Somebody gave a wrong password, or the address of nobody, at the console."""
    _log.warning("console_login_failed", address=address)


def console_login_delayed(address: str, network: str) -> None:
    """More passwords were tried at an address than may be; who has logged in from another network
    can still do so there."""
    _log.warning("console_login_delayed", address=address, network=network)


def console_openid_refused(why: str, issuer: str, **about: str) -> None:
    """The identity provider's answer logs nobody in to the console; `about` whom and what it is."""
    _log.warning("console_openid_refused", why=why, issuer=issuer, **about)


def console_openid_key_ignored(issuer: str, key: str, error: str) -> None:
    """A key of the identity provider cannot be read: what it signs logs nobody in."""
    _log.warning("console_openid_key_ignored", issuer=issuer, key=key, error=error)


def registry_changed(mailbox: str, subject: str, change: str, by: str) -> None:
    """A company or a person was registered or changed in the console or over the API."""
    _log.info("registry_changed", mailbox=mailbox, subject=subject, change=change, by=by)


def console_user_changed(address: str, change: str, by: str) -> None:
    """A user of the console was invited or removed there, or has a new way to log in."""
    _log.info("console_user_changed", address=address, change=change, by=by)


def mails_retried(number: int, by: str) -> None:
    """A user of the console had so many outgoing mails tried again. Those about a ticket are in its
    history, too."""
    _log.info("mails_retried", number=number, by=by)


def console_user_not_notified(address: str, change: str) -> None:
    """There is no mailbox that could send a user of the console the mail about a change."""
    _log.warning("console_user_not_notified", address=address, change=change)


def viewer_dropped(address: str) -> None:
    """A browser that watched the journal did not read what it was sent, and is sent no more."""
    _log.warning("viewer_dropped", address=address)


def digest_ordered(mailbox: str, notices: int) -> None:
    """Staff are notified of what waits for them and was not named before."""
    _log.info("digest_ordered", mailbox=mailbox, notices=notices)


def desk_is_empty(mailbox: str) -> None:
    """Something waits for staff, and the mailbox has none who could be notified: none at all, or
    their addresses are suppressed or are mailboxes of ours. Once an hour."""
    _log.warning(
        "desk_is_empty",
        mailbox=mailbox,
        see="postern held list, postern suppression list",
        fix="postern staff add, postern suppression remove",
    )


def cleaned(rows: int, pages: int) -> None:
    """Expired journal rows were deleted, or unused pages of the store given back."""
    _log.info("cleaned", journal_rows=rows, pages=pages)


def sign_up_requested(mailbox: str, address: str, outcome: str, network: str) -> None:
    """Somebody requested a sign-up link; `outcome` is a value of `invitations.Invited`. `network`
    is the client's; empty where it is unknown, as behind a proxy that names nobody."""
    write = _log.warning if outcome.startswith("over_") else _log.info
    write("sign_up_requested", mailbox=mailbox, address=address, outcome=outcome, network=network)


def signed_up(mailbox: str, address: str, outcome: str) -> None:
    """Somebody followed their sign-up link; `outcome` is a value of `invitations.Enrolled`."""
    _log.info("signed_up", mailbox=mailbox, address=address, outcome=outcome)


def page_failed(page: str, error: BaseException) -> None:
    """A page or an API request ended with an error of ours; `page` is the route's pattern."""
    _log.error("page_failed", page=page, exc_info=error)


def api_busy(actor: str) -> None:
    """A request of the API for a ticket or a list was answered 503, since too many others were
    before it. `actor` is the person it was for, or empty; each once a minute."""
    _log.warning("api_busy", actor=actor)


def files_not_sent(ticket: int, comment: int, withheld: int, gone: int, unread: int) -> None:
    """Files of a comment did not go with the mails about it: `withheld`, which have a mail of ours
    or may have internal text; `gone`, whose raw mail is no longer stored; and `unread`, which take
    too long to be taken out of it. The mails name each with its reason."""
    counts = {"withheld": withheld, "gone": gone, "unread": unread}
    _log.warning("files_not_sent", ticket=ticket, comment=comment, **counts)


def file_not_read(ticket: int, part: str, why: str) -> None:
    """A file that somebody asked for took too long to be taken out of its mail, or the process
    failed that did it (`why`): they were answered so. The mail is stored as it came."""
    _log.warning("file_not_read", ticket=ticket, part=part, why=why)


def sent_with_less(notice: str, size_bytes: int, why: str) -> None:
    """The relay refused a mail for its size or content, and it is sent with links to its files, and
    without words that it only quotes. A lower `files.attach_mib` saves the first attempt."""
    _log.warning("sent_with_less", notice=notice, size_bytes=size_bytes, why=why)


def html_not_shown(ticket: int, comment: int, why: str) -> None:
    """The HTML of a comment's mail was too costly to sanitise, or its process ended: readers get
    its text."""
    _log.warning("html_not_shown", ticket=ticket, comment=comment, why=why)


def not_ready(error: BaseException) -> None:
    """`/readyz` was answered 503, since the store did not respond in time, or with an error."""
    _log.warning("not_ready", error=repr(error))


def policies_reloaded(changed: Sequence[str]) -> None:
    """The policy files were read again and are in force; the names of those that differ."""
    _log.info("policies_reloaded", changed=list(changed))


def policies_refused(faults: Sequence[str]) -> None:
    """The policy files were read again and refused: those that were in force still are."""
    _log.error("policies_refused", faults=list(faults))


def policies_not_reloaded(error: BaseException) -> None:
    """The policy files could not be checked: the policies that were in force still are."""
    _log.error("policies_not_reloaded", exc_info=error)


def tickets_left(mailbox: str, policy: str, what: str) -> None:
    """Open tickets have something that their changed policy does not; `what` becomes of them."""
    _log.warning("tickets_left", mailbox=mailbox, policy=policy, what=what)


def policies_not_compared(error: BaseException) -> None:
    """The new policies are in force, but could not be compared with the open tickets."""
    _log.error("policies_not_compared", exc_info=error)


def no_pid_file(path: str, why: str) -> None:
    """`postern reload` will not find this server; SIGHUP still reloads the policies."""
    _log.warning("no_pid_file", path=path, why=why)


def worker_not_replaced(pid: int, status: int, again_s: float) -> None:
    """A new worker was refused by its configuration or policies: another is tried later."""
    _log.error("worker_not_replaced", pid=pid, status=status, again_s=again_s)


def worker_died(pid: int, status: int) -> None:
    """One of `--workers` ended unexpectedly and is replaced."""
    _log.error("worker_died", pid=pid, status=status)
