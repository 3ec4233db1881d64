"""The table of commands: the names, the arguments and the effect of each, and who may give it.

Everything that names a command reads it here: parsing, the list that `#help` sends, the table in
docs/staff.md, and the names of the same changes in the API and on the command line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType

from rules.sentence import Sentence, sentence


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command."""

    name: str
    arguments: str
    """As they are written, after the name; empty for none."""
    effect: Sentence
    """What it does; `usage` is its name with its arguments."""
    german: str
    """Its German name."""
    german_arguments: str = ""
    """Empty for the same arguments."""
    aliases: tuple[str, ...] = ()
    """Further names, in any language."""
    by_customers: bool = False
    """Whether customers may give it too."""
    is_prose: bool = False
    """Whether any text is a value of it: `# Workaround` may as well be a heading."""
    key: str = ""
    """Of the same change in a request to the API; empty where a mail alone needs it."""
    option: str = ""
    """Of the same change on the command line."""

    @property
    def usage(self) -> str:
        return f"#{self.name} {self.arguments}".rstrip()

    def usage_in(self, language: str) -> str:
        if language.partition("-")[0].casefold() != "de":
            return self.usage
        return f"#{self.german} {self.german_arguments or self.arguments}".rstrip()

    def help_in(self, language: str) -> Sentence:
        """Its line in the list of commands, for a reader of this language."""
        return Sentence(self.effect.english, (("usage", self.usage_in(language)),))


ENTRIES = (
    CommandEntry(
        "note", "",
        sentence("{usage}: the text is a note, which only staff read"),
        "notiz", aliases=("internal", "intern", "private", "privat"),
        key="comment", option="--note",
    ),
    CommandEntry(
        "public", "",
        sentence("{usage}: everybody on the ticket reads the text (the default)"),
        "öffentlich", key="comment", option="--comment",
    ),
    CommandEntry(
        "status", "open|pending|resolved|closed",
        sentence("{usage}: sets the status"),
        "status", "offen|wartet|gelöst|geschlossen", key="status", option="--status",
    ),
    CommandEntry(
        "assign", "me|name|none",
        sentence("{usage}: sets who works on it"),
        "zuweisen", "ich|name|niemand", key="assignee", option="--assign",
    ),
    CommandEntry(
        "severity", "level, and why",
        sentence("{usage}: sets the severity; by mail none that is critical"),
        "schweregrad", "Stufe, und warum", aliases=("priority", "prio", "priorität"),
        key="severity", option="--severity",
    ),
    CommandEntry(
        "workaround", "what it is",
        sentence("{usage}: a workaround exists; one level lower where the policy says so"),
        "umgehung", "welche es ist", is_prose=True, key="workaround", option="--workaround",
    ),
    CommandEntry(
        "complete", "why",
        sentence("{usage}: nothing is missing any more, and the clock that waits begins"),
        "vollständig", "warum", is_prose=True, key="complete", option="--complete",
    ),
    CommandEntry(
        "field", "project_id blue-7",
        sentence("{usage}: sets a field; without a value it is cleared"),
        "feld", key="fields", option="--field",
    ),
    CommandEntry(
        "tag", "billing refund",
        sentence("{usage}: gives the ticket these tags"),
        "schlagwort", aliases=("tags", "label"), key="tag", option="--tag",
    ),
    CommandEntry(
        "untag", "billing",
        sentence("{usage}: takes these tags from it"),
        "ohneschlagwort", aliases=("unlabel",), key="untag", option="--untag",
    ),
    CommandEntry(
        "cc", "+ann@client.example -bob@client.example",
        sentence("{usage}: adds people and removes them"),
        "cc", key="add", option="--add",
    ),
    CommandEntry(
        "requester", "ann@client.example",
        sentence("{usage}: the ticket is this user's request; the one before them stays on it"),
        "anfragender", aliases=("anfragende", "anfragesteller"),
        key="requester", option="--requester",
    ),
    CommandEntry(
        "snooze", "3d|monday|2026-12-01|off",
        sentence("{usage}: sets it aside: you are reminded then, unless a reply comes first"),
        "zurückstellen", "3 Tage|Montag|2026-12-01|aus", aliases=("wiedervorlage",),
        key="snooze", option="--snooze",
    ),
    CommandEntry(
        "merge", "123",
        sentence("{usage}: this ticket becomes part of that one"),
        "zusammenführen", key="merge_into", option="--merge-into",
    ),
    CommandEntry(
        "split", "12",
        sentence(
            "{usage}: makes a new ticket out of this public comment; without a number, out of "
            "your text"
        ),
        "abtrennen", aliases=("aufteilen",), key="split", option="--split",
    ),
    CommandEntry(
        "escalate", "reason",
        sentence("{usage}: one escalation level up; the severity stays"),
        "eskalieren", "Grund", by_customers=True, is_prose=True,
        key="escalate", option="--escalate",
    ),
    CommandEntry(
        "macro", "welcome",
        sentence("{usage}: puts a saved reply before your text; alone it lists their names"),
        "vorlage", aliases=("textbaustein", "makro", "template"),
        key="comment", option="--macro",
    ),
    CommandEntry(
        "onbehalf", "ann@client.example",
        sentence("{usage}: in a mail to the mailbox: opens a request of this customer"),
        "imauftrag", aliases=("on-behalf", "on_behalf", "im-auftrag"),
    ),
    CommandEntry(
        "follow", "",
        sentence("{usage}: you are notified of the ticket"),
        "folgen", aliases=("watch",), key="follow", option="--follow",
    ),
    CommandEntry(
        "unfollow", "",
        sentence("{usage}: you are notified of it no more, unless it is assigned to you"),
        "nichtfolgen", aliases=("unwatch", "entfolgen"), key="follow", option="--unfollow",
    ),
    CommandEntry(
        "notices", "all|mine|digest",
        sentence("{usage}: notifies you of all tickets, of your own, or by a digest each hour"),
        "benachrichtigungen", "alle|meine|übersicht", aliases=("notifications",),
    ),
    CommandEntry(
        "digest", "",
        sentence("{usage}: sends what waits for you, and what was not sent to you"),
        "übersicht", aliases=("zusammenfassung",), by_customers=True,
    ),
    CommandEntry(
        "help", "",
        sentence("{usage}: sends this list"),
        "hilfe", aliases=("commands", "befehle"),
    ),
    CommandEntry(
        "unsubscribe", "",
        sentence("{usage}: alone in its mail: you get no more mail about the ticket"),
        "abmelden", aliases=("abbestellen",), by_customers=True,
    ),
)  # fmt: skip
"""In the order in which they are listed."""


_AS_TWO = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))


def _spellings(name: str) -> Iterator[str]:
    """A name as people write it: an umlaut with its dots, as two letters, and without its dots."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    yield folded
    yield reduce(lambda text, pair: text.replace(*pair), _AS_TWO, folded)
    yield "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


NAMES: Mapping[str, str] = MappingProxyType(
    {
        spelling: entry.name
        for entry in ENTRIES
        for name in (entry.name, entry.german, *entry.aliases)
        for spelling in _spellings(name)
    }
)
"""Every spelling of a command's name, and the name that it stands for."""
BY_NAME: Mapping[str, CommandEntry] = MappingProxyType({entry.name: entry for entry in ENTRIES})


def misspelt(written: str) -> str:
    """The command whose name is one slip away from this: a letter more, less, other or swapped;
    empty where there is none. Short names are too close to other words."""
    return next((NAMES[name] for name in NAMES if len(name) > 3 and _is_near(written, name)), "")


def _is_near(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    same = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
                min(len(one), len(other)))  # fmt: skip
    a, b = one[same:], other[same:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])
