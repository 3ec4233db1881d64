"""The values of the commands: how each is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rules.commands.forms import (
    Fault,
    Form,
    alone,
    entry_of,
    no_address,
    reason,
    short,
    unknown,
    unlinked,
    with_value,
    without_links,
)
from rules.commands.model import Command, Digest, Help, Macro, Note, OnBehalf, Public
from rules.commands.spelling import LINE_LENGTH, unquoted_value, with_plain_dashes
from rules.commands.table import misspelt
from rules.mail.addresses import normalise
from rules.people import StaffNotices
from rules.sentence import sentence
from rules.ticket.changes import (
    AddPerson,
    AddTag,
    Assign,
    Assignee,
    Complete,
    Escalate,
    Follow,
    Merge,
    PreferNotices,
    RemovePerson,
    RemoveTag,
    SetField,
    SetRequester,
    SetSeverity,
    SetStatus,
    Snooze,
    Split,
    Unfollow,
    Unsubscribe,
    Workaround,
)
from rules.ticket.lifecycle import Status
from rules.ticket.saved_replies import as_reply_name
from rules.ticket.severity import Level, capped
from rules.ticket.snooze import parse_until
from rules.ticket.tags import MOST_TAGS, TAG_LENGTH, as_tag
from rules.validation.messages import suggestion

MOST_ADDRESSES = 50
"""In the `#cc` of one mail, as in one request to the API: each is decided on a ticket that has all
those before it, and everybody on a ticket gets its mail."""
_TICKET = re.compile(r"#?([1-9][0-9]{0,17})")
_STATUSES: Mapping[str, Status] = MappingProxyType(
    {status.value: status for status in Status}
    | dict.fromkeys(("offen",), Status.OPEN)
    | dict.fromkeys(("wartet", "wartend"), Status.PENDING)
    | dict.fromkeys(("gelöst", "geloest", "gelost"), Status.RESOLVED)
    | dict.fromkeys(("geschlossen",), Status.CLOSED)
)
"""The names of each status, in English and in German."""
_NOTICES: Mapping[str, StaffNotices] = MappingProxyType(
    {each.value: each for each in StaffNotices}
    | dict.fromkeys(("alle",), StaffNotices.ALL)
    | dict.fromkeys(("meine", "own", "eigene"), StaffNotices.MINE)
    | dict.fromkeys(("übersicht", "uebersicht"), StaffNotices.DIGEST)
)
_ME = ("me", "myself", "ich", "mir", "mich")
_NOBODY = ("none", "nobody", "niemand", "niemandem", "keiner")


def read(
    name: str, value: str, levels: Sequence[Level], ceiling: str | None
) -> tuple[Command, ...] | Fault:
    """The commands of one line, or its fault. Without a name, `value` is the whole line."""
    if not name:
        return Fault(
            sentence(
                "{line}: write a command without a space after #, "
                "and at most {most} characters on its line.",
                line=short(value),
                most=LINE_LENGTH,
            )
        )
    if (form := COMMANDS.get(name)) is not None:
        return form.read(value, levels, ceiling)
    near = suggestion(f"#{misspelt(name) or name[:40]}", (f"#{each}" for each in COMMANDS))
    if near:
        return Fault(
            sentence("There is no command {name} ({hint}).", name=short("#" + name), hint=near)
        )
    return Fault(
        sentence("There is no command {name} (#help lists all commands).", name=short("#" + name))
    )


def _severity(
    value: str, levels: Sequence[Level], ceiling: str | None
) -> tuple[SetSeverity, ...] | Fault:
    """A level by its name or an alias, which may consist of several words, then the reason."""
    allowed = _allowed(levels, ceiling)
    known = ", ".join(level.name for level in allowed)
    if not value:
        return Fault(sentence("#severity: name a level; expected one of: {known}.", known=known))
    written = value.split()
    for count in range(min(len(written), 10), 0, -1):
        name = " ".join(written[:count]).rstrip(",:;.")
        level = next((level for level in levels if level.has_name(name)), None)
        if level is None:
            continue
        if level.critical:
            return Fault(
                sentence(
                    "#severity {level}: no mail makes a ticket critical; "
                    "use the command line or the API.",
                    level=level.name,
                )
            )
        if level not in allowed:
            return Fault(
                sentence(
                    "#severity {level}: by mail {highest} is the highest; "
                    "use the command line or the API.",
                    level=level.name,
                    highest=allowed[0].name,
                )
            )
        severity = capped(levels, level.name, level.name, None, may_claim=False)
        return (SetSeverity(severity, reason(" ".join(written[count:]).lstrip("-–— "))),)
    hint = suggestion(written[0][:40], (level.name for level in allowed))
    return unknown("severity", value, hint, known)


def _allowed(levels: Sequence[Level], ceiling: str | None) -> list[Level]:
    """The levels that a mail may set, severest first."""
    top = next((level.rank for level in levels if level.name == ceiling), len(levels))
    allowed = [level for level in levels if not level.critical and level.rank <= top]
    return sorted(allowed, key=lambda level: -level.rank)


def _status(value: str) -> tuple[SetStatus, ...] | Fault:
    written = unicodedata.normalize("NFC", unquoted_value(value)).casefold()
    if (status := _STATUSES.get(written)) is not None:
        return (SetStatus(status),)
    return unknown("status", value, suggestion(written[:40], _STATUSES), ", ".join(Status))


def _assign(value: str) -> tuple[Assign, ...] | Fault:
    value = unquoted_value(value)
    if value.casefold() in _ME:
        return (Assign(Assignee.ME),)
    if value.casefold() in _NOBODY:
        return (Assign(Assignee.NOBODY),)
    name = unlinked(value).removeprefix("@")
    if "@" in name:
        address = normalise(name)
        return no_address("assign", value) if address is None else (Assign(address),)
    if not name or len(name) > 80 or not name.isprintable():
        return Fault(
            sentence(
                "#assign {value}: write {usage}.",
                value=short(value),
                usage=entry_of("assign").usage,
            )
        )
    return (Assign(name),)


def _cc(value: str) -> tuple[AddPerson | RemovePerson, ...] | Fault:
    added: list[str] = []
    removed: list[str] = []
    names = [name for name in re.split(r"[\s,;]+", without_links(with_plain_dashes(value))) if name]
    if len(names) > MOST_ADDRESSES:
        return too_many_addresses()
    for written in names:
        address = normalise(written.lstrip("+-").strip("<>"))
        if address is None:
            return no_address("cc", written)
        (removed if written.startswith("-") else added).append(address)
    if not added and not removed:
        return Fault(sentence("#cc: name an address; write {usage}.", usage=entry_of("cc").usage))
    if both := sorted(set(added) & set(removed)):
        return Fault(
            sentence("#cc {address}: it is both added and removed; write one.", address=both[0])
        )
    return (
        *(AddPerson(address) for address in dict.fromkeys(added)),
        *(RemovePerson(address) for address in dict.fromkeys(removed)),
    )


def _field(value: str) -> tuple[SetField, ...] | Fault:
    name, _, set_to = value.partition(" ")
    if not name:
        return Fault(
            sentence("#field: name a field; write {usage}.", usage=entry_of("field").usage)
        )
    return (SetField(name, set_to.strip()),)


def _tags(name: str, change: type[AddTag] | type[RemoveTag]) -> Form:
    def read_tags(value: str) -> tuple[Command, ...] | Fault:
        written = [each for each in re.split(r"[\s,;]+", unquoted_value(value)) if each]
        if not written:
            return Fault(
                sentence(
                    "#{name}: name a tag; write {usage}.", name=name, usage=entry_of(name).usage
                )
            )
        if len(written) > MOST_TAGS:
            return Fault(
                sentence("#{name}: there are more than {most} tags.", name=name, most=MOST_TAGS)
            )
        tags = [as_tag(unquoted_value(each)) for each in written]
        wrong = next((one for one, tag in zip(written, tags, strict=True) if tag is None), None)
        if wrong is not None:
            return Fault(
                sentence(
                    "#{name} {value}: this cannot be a tag; write letters and digits, {most} at "
                    "most.",
                    name=name,
                    value=short(wrong),
                    most=TAG_LENGTH,
                )
            )
        return tuple(change(tag) for tag in tags if tag is not None)

    return with_value(read_tags, repeats=True)


def _on_behalf(value: str) -> tuple[OnBehalf, ...] | Fault:
    address = normalise(unlinked(unquoted_value(value)))
    return no_address("onbehalf", value) if address is None else (OnBehalf(address),)


def _requester(value: str) -> tuple[SetRequester, ...] | Fault:
    address = normalise(unlinked(unquoted_value(value)))
    return no_address("requester", value) if address is None else (SetRequester(address),)


def _snooze(value: str) -> tuple[Snooze, ...] | Fault:
    written = unquoted_value(value)
    if parse_until(written) is not None:
        return (Snooze(written),)
    return Fault(
        sentence(
            "#snooze {value}: write how long or until when, such as {usage}.",
            value=short(value),
            usage=entry_of("snooze").usage,
        )
    )


def _macro(value: str) -> tuple[Macro, ...] | Fault:
    written = unquoted_value(value)
    name = as_reply_name(written) if written else ""
    if name is not None:
        return (Macro(name),)
    return Fault(
        sentence(
            "#macro {value}: this cannot name a saved reply; #macro alone lists their names.",
            value=short(value),
        )
    )


def _split(value: str) -> tuple[Split, ...] | Fault:
    if not value:
        return (Split(),)
    if found := _TICKET.fullmatch(unquoted_value(value)):
        return (Split(int(found[1])),)
    return Fault(
        sentence(
            "#split {value}: write the number of one comment, such as {usage}, or nothing.",
            value=short(value),
            usage=entry_of("split").usage,
        )
    )


def _notices(value: str) -> tuple[PreferNotices, ...] | Fault:
    written = unquoted_value(value).casefold()
    if (notices := _NOTICES.get(written)) is not None:
        return (PreferNotices(notices),)
    return unknown("notices", value, suggestion(written[:40], _NOTICES), ", ".join(StaffNotices))


def too_many_addresses() -> Fault:
    return Fault(
        sentence(
            "#cc: there are more than {most} addresses; give them in several mails.",
            most=MOST_ADDRESSES,
        )
    )


def _merge(value: str) -> tuple[Merge, ...] | Fault:
    if found := _TICKET.fullmatch(unquoted_value(value)):
        return (Merge(int(found[1])),)
    return Fault(
        sentence(
            "#merge {value}: write the number of one ticket, such as {usage}.",
            value=short(value),
            usage=entry_of("merge").usage,
        )
    )


COMMANDS: Mapping[str, Form] = MappingProxyType(
    {
        "note": alone("note", Note()),
        "public": alone("public", Public()),
        "status": with_value(_status),
        "assign": with_value(_assign),
        "severity": Form(_severity),
        "workaround": with_value(lambda value: (Workaround(reason(value)),)),
        "complete": with_value(lambda value: (Complete(reason(value)),)),
        "field": with_value(_field, repeats=True),
        "tag": _tags("tag", AddTag),
        "untag": _tags("untag", RemoveTag),
        "cc": with_value(_cc, repeats=True),
        "requester": with_value(_requester),
        "snooze": with_value(_snooze),
        "merge": with_value(_merge),
        "split": with_value(_split),
        "escalate": with_value(lambda value: (Escalate(reason(value)),)),
        "macro": with_value(_macro),
        "onbehalf": with_value(_on_behalf),
        "follow": alone("follow", Follow()),
        "unfollow": alone("unfollow", Unfollow()),
        "notices": with_value(_notices),
        "digest": alone("digest", Digest()),
        "help": alone("help", Help()),
        "unsubscribe": alone("unsubscribe", Unsubscribe()),
    }
)
"""How the value of each command is read, by its name in the table."""
