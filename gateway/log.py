"""The words of the log. Each event is a function here; docs/operators.md lists them all.

One JSON object a line on standard error. Subjects and bodies are never logged; what a sender wrote
(addresses, HELO) is escaped, so that no control character reaches a terminal.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import structlog

from rules.decision.model import Verdict
from rules.decision.receipt import Receipt
from rules.mail import Delivery

FIELD_LENGTH = 500

_log: structlog.stdlib.BoundLogger = structlog.get_logger("postern")


def configure(level: str, form: str) -> None:
    """Send all logs, the libraries' too, to standard error as `json` or `text`."""
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _escape,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def started(**addresses: str) -> None:
    """All sockets are open, at the addresses that were really bound."""
    _log.info("started", **addresses)


def stopping() -> None:
    """A stop was asked for; the mails that are on their way in are finished first."""
    _log.info("stopping")


def stopped() -> None:
    """Nothing is open any more."""
    _log.info("stopped")


def filed(receipt: Receipt, delivery: Delivery) -> None:
    """One mail was answered; `event` is its verdict."""
    write = _log.warning if receipt.verdict is Verdict.HELD else _log.info
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


def failed(error: BaseException, delivery: Delivery) -> str:
    """A mail was answered 451 because of us. Returns the reference that the sender was told."""
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


def sent(notice: str, kind: str, attempts: int) -> None:
    """The relay took one outgoing mail."""
    _log.info("sent", notice=notice, kind=kind, attempts=attempts)


def put_off(notice: str, kind: str, attempts: int, error: str, until: str) -> None:
    """One outgoing mail could not be handed over; it is tried again at `until`."""
    _log.warning("put_off", notice=notice, kind=kind, attempts=attempts, error=error, until=until)


def given_up(notice: str, kind: str, attempts: int, error: str) -> None:
    """One outgoing mail is tried no more; `postern outbox` shows and requeues it."""
    _log.error("given_up", notice=notice, kind=kind, attempts=attempts, error=error)


def template_refused(template: str, error: str) -> None:
    """An operator's template cannot be used; the shipped one stands in."""
    _log.error("template_refused", template=template, error=error)


def relay_refused(error: str) -> None:
    """The relay takes no mail from us at all, whoever the recipient is."""
    _log.error("relay_refused", error=error)


def dispatcher_failed(error: BaseException) -> None:
    """A round of sending failed because of us; the next one comes."""
    _log.error("dispatcher_failed", exc_info=error)


def scheduler_failed(error: BaseException) -> None:
    """A round of housekeeping failed because of us; the next one comes."""
    _log.error("keeper_failed", exc_info=error)


def sign_up_asked(mailbox: str, address: str, ordered: bool) -> None:
    """Somebody asked for a sign-up link; without `ordered` the address may have none now."""
    _log.info("sign_up_asked", mailbox=mailbox, address=address, ordered=ordered)


def signed_up(mailbox: str, address: str, outcome: str) -> None:
    """Somebody followed his sign-up link; `outcome` is a word of `invitations.Enrolled`."""
    _log.info("signed_up", mailbox=mailbox, address=address, outcome=outcome)


def page_failed(page: str, error: BaseException) -> None:
    """A page or a request to the API ended with an error of ours; `page` is its pattern."""
    _log.error("page_failed", page=page, exc_info=error)


def worker_died(pid: int, status: int) -> None:
    """One of `--workers` ended by itself, and another takes its place."""
    _log.error("worker_died", pid=pid, status=status)


def _escape(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What a stranger wrote becomes harmless to a terminal, and no longer than a field."""
    for key, value in event.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            event[key] = "".join(
                c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:FIELD_LENGTH]
            )
    return event
