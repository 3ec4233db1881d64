"""The events of the log that are about outgoing mail, as those of `gateway.log`."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from gateway.log import logger


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
    logger.info("sent", **asdict(mail), attempts=attempts)


def send_delayed(mail: OutgoingMail, attempts: int, error: str, until: str) -> None:
    """The relay did not accept one outgoing mail; it is tried again at `until`."""
    logger.warning("send_delayed", **asdict(mail), attempts=attempts, error=error, until=until)


def send_dropped(mail: OutgoingMail, why: str) -> None:
    """A notice was not sent, since its reader may not have it any more when it was due."""
    logger.warning("send_dropped", **asdict(mail), why=why)


def send_failed(mail: OutgoingMail, attempts: int, error: str) -> None:
    """One outgoing mail is dead: tried no more. `postern outbox` shows it and tries it again."""
    logger.error("send_failed", **asdict(mail), attempts=attempts, error=error)


def template_refused(template: str, error: str) -> None:
    """An operator's template is invalid; the shipped one is used instead."""
    logger.error("template_refused", template=template, error=error)


def relay_refused(error: str) -> None:
    """The relay accepts no mail from us, whatever the recipient."""
    logger.error("relay_refused", error=error)


def claims_taken_over(node: str, notices: int) -> None:
    """A node died while it held notices; they are sent by the other nodes now."""
    logger.warning("claims_taken_over", node=node, notices=notices)


def claim_too_slow(most: int) -> None:
    """The store took too long to claim due notices; the next claim takes at most so many."""
    logger.warning("claim_too_slow", most=most)


def dispatcher_failed(error: BaseException) -> None:
    """A round of sending failed because of an error of ours; the next one follows."""
    logger.error("dispatcher_failed", exc_info=error)


def files_not_sent(ticket: int, comment: int, withheld: int, gone: int, unread: int) -> None:
    """Files of a comment did not go with the mails about it: `withheld`, which have a mail of ours
    or may have internal text; `gone`, whose raw mail is no longer stored; and `unread`, which take
    too long to be taken out of it. The mails name each with its reason."""
    counts = {"withheld": withheld, "gone": gone, "unread": unread}
    logger.warning("files_not_sent", ticket=ticket, comment=comment, **counts)


def sent_with_less(notice: str, size_bytes: int, why: str) -> None:
    """The relay refused a mail for its size or content, and it is sent with links to its files, and
    without words that it only quotes. A lower `files.attach_mib` saves the first attempt."""
    logger.warning("sent_with_less", notice=notice, size_bytes=size_bytes, why=why)
