"""The content of a mail: its text, its files, its delivery reports, the command in it.

All of the rules read a body here. A decision that comes about without BodyNeeded does not depend on
the body.
"""

from __future__ import annotations

from dataclasses import replace

from rules.commands import (
    is_sentence_about_escalating,
    participant_command,
    participant_wants_digest,
    without_commands,
)
from rules.mail import Body, BodyNeeded, Mail, Unread, Unreadable
from rules.mail.bounces import Bounce
from rules.mail.extent import is_read_in_part, read_text
from rules.mail.forwards import Forwarded, forwarded_mail, may_forward
from rules.mail.number_signs import NUMBER_SIGNS
from rules.mail.quoting import is_forward, visible
from rules.mail.thanks import is_reaction, without_salutations
from rules.ticket.changes import Escalate, Unsubscribe

UNSUBSCRIBE = "#unsubscribe"
_CALENDARS = ("text/calendar", "application/ics")


def body_of(mail: Mail) -> Body | Unreadable:
    """Raises BodyNeeded if it has not been read."""
    if isinstance(mail.body, Unread):
        raise BodyNeeded
    return mail.body


def body_text(mail: Mail) -> str:
    """The text of a mail that the rules read; empty if it could not be read."""
    body = body_of(mail)
    return read_text(body.text) if isinstance(body, Body) else ""


def is_text_read_in_part(mail: Mail) -> bool:
    """Whether the mail has more text than the rules read."""
    return isinstance(mail.body, Body) and is_read_in_part(mail.body.text)


def is_unreadable(mail: Mail) -> bool:
    return isinstance(body_of(mail), Unreadable)


def has_files(mail: Mail) -> bool:
    """Whether it has an attachment, pictures within its text aside (a logo in a signature)."""
    body = body_of(mail)
    return isinstance(body, Body) and any(not a.inline for a in body.attachments)


def forwarded_by(mail: Mail) -> Forwarded | None:
    """The mail that its author forwards: the one that is attached, or the first in the text.

    Of several attached ones it is not clear whose request it is: they have no author. Below a text
    that may forward a mail, what is attached may have come with that mail, so that the customer
    chose it: it counts only if it has the author that the text names.

    The files of a mail in the text are those of the customer where nobody has written anything
    above it; else the author may have added some.
    """
    body = body_of(mail)
    if not isinstance(body, Body):
        return None
    in_text = forwarded_mail(mail.subject, body.text)
    attached = [each.mail for each in body.attachments if each.mail is not None]
    named_twice = in_text is not None and [each.author for each in attached] == [in_text.author]
    if in_text is not None and not (named_twice and in_text.author):
        return replace(in_text, files=() if _says(in_text.own_words) else body.attachments)
    if not attached:
        return None
    first, words = attached[0], body.text.strip()
    certain = named_twice or (len(attached) == 1 and not may_forward(read_text(words)))
    author = first.author if certain else ""
    fields = {"From": author, "Date": first.sent, "Subject": first.subject}
    header = "\n".join(f"{name}: {value}" for name, value in fields.items() if value)
    return Forwarded(
        author=author,
        subject=first.subject,
        above=f"{words}\n\n{header}".strip(),  # a note, which has the files
        own_words=words if in_text is None else in_text.own_words,
        text=first.text.strip(),
        sent=first.sent,
        people=first.people,
        attached=True,
        files=first.files,
    )


def _says(words: str) -> bool:
    """Whether somebody says something, commands, a greeting, a closing and a signature aside."""
    return bool(without_salutations(visible(without_commands(words)).text).strip())


def is_click(mail: Mail) -> bool:
    """Whether its sender clicked and wrote nothing: a reaction, or the answer to an invitation.

    Calendars send the answer as a file as well.
    """
    body = body_of(mail)
    if not isinstance(body, Body):
        return False
    files = [each for each in body.attachments if not each.inline]
    if any(each.is_click for each in files):
        return all(each.is_click or each.content_type in _CALENDARS for each in files)
    return not files and is_reaction(body_text(mail))


def reports(mail: Mail) -> tuple[Bounce, ...]:
    """The failed or delayed recipients that it reports."""
    body_of(mail)
    return mail.bounces


def requested_command(mail: Mail) -> Unsubscribe | Escalate | None:
    """The command in the first line, or in the subject of a mail sent by a click."""
    if mail.subject.strip().casefold() == UNSUBSCRIBE:
        return Unsubscribe()
    return participant_command(_own_words(mail))


def wants_digest(mail: Mail) -> bool:
    """Whether the first line asks for what was withheld."""
    return participant_wants_digest(_own_words(mail))


def mentions_escalation(mail: Mail) -> bool:
    """Whether the first line is a sentence that begins with `#escalate`, and not the command."""
    return is_sentence_about_escalating(_own_words(mail))


def _own_words(mail: Mail) -> str:
    """The author's words without what they quote; empty if none of it can be a command, as in most
    mails: then the quotes need not be found."""
    text = body_text(mail)
    if not any(sign in text for sign in NUMBER_SIGNS):
        return ""
    return visible(text, forwarded=is_forward(mail.subject, text)).text
