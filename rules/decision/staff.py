"""What a staff person's mail does on a ticket: answers, notes, commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rules.commands import (
    Command,
    Commands,
    Digest,
    Directive,
    Help,
    Macro,
    MailChange,
    Note,
    OnBehalf,
    parse_commands,
)
from rules.commands.table import BY_NAME, ENTRIES
from rules.decision.after import after
from rules.decision.case import Case, Ruling
from rules.decision.content import body_text, has_files, is_unreadable
from rules.decision.effects import ChangeRefused
from rules.decision.entitlement import Entitlement, Right
from rules.decision.mail_commands import with_commands
from rules.decision.model import AddComment
from rules.decision.notices import of_comment, receipt
from rules.decision.opening_escalation import escalation_notes
from rules.decision.reasons import Reason
from rules.decision.unsubscribe import unsubscribe
from rules.identity import is_proven_enough
from rules.mail.quoting import REPLY_MARK, own_text, published, unpublished_lines
from rules.mail.thanks import without_salutations
from rules.people import Presence
from rules.sentence import Sentence, sentence
from rules.service import notifications, sla_rules
from rules.service.follow_up import after_answer, without_next_steps
from rules.service.limits import NoticeBudget
from rules.service.participants import additions, outside_recipients
from rules.service.personal_digests import lines
from rules.service.saved_replies import before, inserted
from rules.service.unnotified import without_reader
from rules.ticket.changes import Source, Split, Unsubscribe
from rules.ticket.model import Ticket
from rules.ticket.notices import NoticeKind, NoticeOrder
from rules.ticket.payloads import ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility

MOST_NAMED = 10
"""Recipients of a note that a receipt names."""


def by_staff(
    case: Case, ticket: Ticket, entitled: Entitlement, saw: str, conflict: tuple[str, ...]
) -> Ruling:
    """A mail to a staff person's own reply or note address.

    Either all commands are done, or none: then the text stays a private draft, and a receipt
    gives the reason.
    """
    sender, policy = case.sender, case.policy
    member = ticket.participant(sender.address)
    given = parse_commands(
        published(body_text(case.mail), REPLY_MARK), policy.levels, policy.severity.ceiling
    )
    if Unsubscribe() in given.given and member is not None and not given.faults:
        alone = len(set(given.given)) == 1 and not (given.text.strip() or has_files(case.mail))
        if alone:
            return unsubscribe(case, ticket, member, saw, conflict)
    names_reply = any(isinstance(each, Macro) and each.name for each in given.given)
    silent = not (
        _says_something(given) or names_reply or has_files(case.mail) or is_unreadable(case.mail)
    )
    is_note = entitled.right is Right.NOTE or Note() in given.given
    whole = _with_saved_reply(case, ticket, given)
    faults = _faults(case, ticket, given, is_note=is_note)
    if is_note and not silent:
        faults = (*faults, *_read_outside(case, ticket))
    if isinstance(whole, Sentence):
        return _draft(case, ticket, saw, (*faults, whole), conflict, silent=silent)
    if faults:
        return _draft(case, ticket, saw, faults, conflict, silent=silent)
    wanted, lists = _changes(given.given, whole), _lists(case, ticket, given)
    if silent and not wanted and lists is None:
        empty = _receipt(case, ticket, ReceiptPayload(ReceiptText.NOTHING_PUBLISHED))
        said = bool(own_text(body_text(case.mail)).strip())  # below the quote
        draft = _private(case, ticket, tuple(replace(order, quotes=said) for order in empty))
        return Ruling(saw, draft, Reason.NOTHING_SAID, ("no text to publish", *conflict))
    # The more private reading wins. A text that is split off is published on its own ticket.
    private = is_note or silent or Split() in given.given
    visibility = Visibility.NOTE if private else Visibility.PUBLIC
    joining = () if private else additions(case.mail, case.facts, sender, ticket, policy)
    notices, calm, quiet = ((), (), ()) if silent else _notices(case, ticket, visibility)
    answered = None if private else sla_rules.answered(policy, ticket, case.facts.decided_at)
    follows = () if private or calm else after_answer(ticket, sender.address, policy)
    action = AddComment(
        ticket=ticket.id,
        visibility=visibility,
        additions=joining,
        orders=(*(lists or ()), *notices, *follows),
        clock_change=answered,
        by_staff=True,
        text=whole if names_reply else None,
    )
    decided = with_commands(case, ticket, action, wanted, Source.STAFF_MAIL, silent=silent)
    if isinstance(decided, ChangeRefused):
        return _draft(case, ticket, saw, (decided.why,), conflict, silent=silent)
    for receipts, why in () if private else _warnings(case, ticket, decided, whole, calm):
        decided = replace(decided, orders=(*decided.orders, *receipts))
        quiet = (*quiet, f"{why}: its author gets a receipt")
    commands = (f"{len(wanted)} commands",) if wanted else ()
    raised = escalation_notes(decided.command_effects.rows)
    below = 0 if private else unpublished_lines(body_text(case.mail), REPLY_MARK)
    left_out = (f"not published, as a quote or a signature: {below} lines",) if below else ()
    notes = (f"{visibility} on #{ticket.id}", *commands, *left_out, *conflict, *calm)
    return Ruling(saw, decided, entitled.reason, (*notes, *quiet, *raised))


def _says_something(given: Commands) -> bool:
    """Whether there is a text to publish. Below commands, a greeting and a closing with a name are
    none: many clients write them into each mail."""
    has_commands = given.given or given.faults
    return bool(without_salutations(given.text) if has_commands else given.text.strip())


def _faults(case: Case, ticket: Ticket, given: Commands, *, is_note: bool) -> tuple[Sentence, ...]:
    """What is wrong with the commands, before they are decided on the ticket."""
    faults, required = given.faults, case.policy.proof.command
    if Unsubscribe() in given.given and ticket.participant(case.sender.address) is not None:
        faults = (*faults, sentence("#unsubscribe must be the only thing in its mail"))
    if any(isinstance(each, OnBehalf) for each in given.given):
        new = sentence(
            "#onbehalf begins a new request; write it to {address}",
            address=case.facts.mailbox.address,
        )
        faults = (*faults, new)
    if given.bare_note and not is_note:
        faults = (*faults, _without_sign(given.bare_note))
    if Split() in given.given and is_note:
        faults = (*faults, sentence("#split publishes your text: send it to your reply address"))
    if given.given and not is_proven_enough(case.sender, required):
        faults = (*faults, sentence("commands require {proof}", proof=required))
    if case.facts.structure_is_open and not is_note:
        # Whoever sent it again may have made a file of a note and its command.
        hidden = sentence(
            "what of the email is its text is not signed, so a command may be hidden in it"
        )
        faults = (*faults, hidden)
    return faults


def _without_sign(line: str) -> Sentence:
    return sentence(
        "{line} on the first line may be #note, whose # your mail program took for a heading: "
        "write #note, or another word before it.",
        line=line,
    )


def _lists(case: Case, ticket: Ticket, given: Commands) -> tuple[NoticeOrder, ...] | None:
    """The receipts with the lists that are asked for; None if none is."""
    usage = _list_of_commands(case, ticket) if Help() in given.given else ()
    replies = _list_of_replies(case, ticket) if Macro("") in given.given else ()
    digest: tuple[NoticeOrder, ...] = ()
    if Digest() in given.given:
        digest = _receipt(
            case, ticket, ReceiptPayload(ReceiptText.WAITING, sentences=lines(case.facts.digest))
        )
    asked = {Help(), Macro(""), Digest()}.intersection(given.given)
    return (*usage, *replies, *digest) if asked else None


def _warnings(
    case: Case, ticket: Ticket, answer: AddComment, text: str, calm: tuple[str, ...]
) -> Iterator[tuple[tuple[NoticeOrder, ...], str]]:
    """What the author of a published answer should know, each with a note for the trace."""
    if not calm and (reminded := _reminders(case, ticket, answer, text)):
        yield reminded, "names no next steps"
    if unread := _unread(case, ticket, answer):
        yield unread, "no customer is sent it"


def _reminders(
    case: Case, ticket: Ticket, answer: AddComment, text: str
) -> tuple[NoticeOrder, ...]:
    """A receipt if the answer names no next steps where the policy asks for them."""
    left = after(ticket, answer.command_effects.rows, case.facts.decided_at)
    why = without_next_steps(left, text, case.policy)
    return (
        ()
        if why is None
        else _receipt(case, ticket, ReceiptPayload(ReceiptText.NEXT_STEPS, sentences=(why,)))
    )


def _unread(case: Case, ticket: Ticket, answer: AddComment) -> tuple[NoticeOrder, ...]:
    """A receipt if the answer goes to no customer, and adds nobody who reads it."""
    direct = notifications.direct_recipients(case.mail, proven=True)
    why = without_reader(ticket, author=case.sender.address, direct=direct)
    joins = any(a.presence is Presence.ACTIVE for a in answer.additions)
    welcomed = any(o.kind is NoticeKind.STATUS for o in answer.command_effects.notices)
    if why is None or joins or welcomed:
        return ()
    return _receipt(case, ticket, ReceiptPayload(sentences=(why,)))


def _read_outside(case: Case, ticket: Ticket) -> tuple[Sentence, ...]:
    """The fault of a note that its author's client has sent to people outside as well."""
    outsiders = outside_recipients(case.mail, case.facts, ticket, case.policy)
    if not outsiders:
        return ()
    named = sentence(
        "Your note names in To or Cc, besides staff: {addresses}. Your mail program has sent it to "
        "them; send a note to its address alone.",
        addresses=", ".join(outsiders[:MOST_NAMED]) + (" …" if outsiders[MOST_NAMED:] else ""),
    )
    return (named,)


def _with_saved_reply(case: Case, ticket: Ticket, given: Commands) -> str | Sentence:
    """The text below the commands, with the saved reply that they name before it; or why that one
    cannot be sent."""
    name = next((each.name for each in given.given if isinstance(each, Macro) and each.name), "")
    if not name:
        return given.text
    reply = inserted(
        name,
        case.facts.replies,
        ticket,
        author=case.sender.address,
        staff=case.facts.staff,
        policy=case.policy,
    )
    return reply if isinstance(reply, Sentence) else before(reply, given.text.strip())


def _list_of_replies(case: Case, ticket: Ticket) -> tuple[NoticeOrder, ...]:
    names = ", ".join(case.facts.replies.names) or "–"
    usage = BY_NAME["macro"].usage
    listed = sentence("Saved replies, each sent with {usage}: {names}", usage=usage, names=names)
    return _receipt(case, ticket, ReceiptPayload(ReceiptText.REPLIES, sentences=(listed,)))


def _list_of_commands(case: Case, ticket: Ticket) -> tuple[NoticeOrder, ...]:
    """A receipt with all commands, under their names in the language of its reader."""
    empty = receipt(case.mail, case.sender, ticket, ReceiptPayload(ReceiptText.USAGE))
    language = empty.language or case.policy.language
    lines = tuple(entry.help_in(language) for entry in ENTRIES)
    return _receipt(case, ticket, ReceiptPayload(ReceiptText.USAGE, sentences=lines))


def _changes(given: tuple[Command, ...], text: str) -> tuple[MailChange, ...]:
    """The commands that change the ticket, in their order; directives are about the mail. A ticket
    is split off with the text of the mail, unless a comment is named."""
    changes = (each for each in given if not isinstance(each, Directive))
    return tuple(Split(text=text) if each == Split() else each for each in changes)


def _private(case: Case, ticket: Ticket, receipt: tuple[NoticeOrder, ...]) -> AddComment:
    """The text as a private draft, with a receipt to its author."""
    return AddComment(
        ticket.id,
        Visibility.PRIVATE,
        additions=(),
        orders=receipt,
        by_registered=True,
        meant_as_note=case.is_meant_as_note,
    )


def _draft(
    case: Case,
    ticket: Ticket,
    saw: str,
    faults: tuple[Sentence, ...],
    conflict: tuple[str, ...],
    *,
    silent: bool,
) -> Ruling:
    """No command is done, nothing is published; the text is kept, a receipt gives the reason. Of a
    mail that says nothing besides its commands, colleagues get no notice."""
    refused = ReceiptPayload(ReceiptText.NOTHING_DONE, sentences=faults)
    (answer,) = _receipt(case, ticket, refused)
    notices, calm, quiet = ((), (), ()) if silent else _notices(case, ticket, Visibility.PRIVATE)
    draft = _private(case, ticket, (replace(answer, quotes=True), *notices))
    notes = (f"refused: {faults[0]}", *conflict, *calm, *quiet)
    return Ruling(saw, draft, Reason.COMMAND_REFUSED, notes)


def _notices(
    case: Case, ticket: Ticket, visibility: Visibility
) -> tuple[tuple[NoticeOrder, ...], tuple[str, ...], tuple[str, ...]]:
    """The mails about it, and for the trace the notes on those that a storm withholds, and on who
    gets none."""
    orders = notifications.for_mailed_comment(
        case.mail,
        case.facts,
        ticket,
        author=case.sender.address,
        visibility=visibility,
        policy=case.policy,
        budget=NoticeBudget.STAFF,
    )
    return of_comment(case, ticket, orders, visibility, certain=True, by_staff=True)


def _receipt(case: Case, ticket: Ticket, payload: ReceiptPayload) -> tuple[NoticeOrder, ...]:
    """One mail to the author, within the budget of staff, whose room no customer takes: beyond it a
    machine writes in their name."""
    order = receipt(case.mail, case.sender, ticket, payload)
    return notifications.within_budget((order,), ticket, case.policy, NoticeBudget.STAFF)
