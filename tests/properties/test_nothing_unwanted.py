"""What a staff person's mail publishes: nothing without its own reply address and proof, nothing
with a command line in it, and nothing that makes a ticket critical."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.outgoing.quoted_comment import _of_staff as published_text
from rules.commands.spelling import Spelled, spelled
from rules.commands.table import NAMES
from rules.decision.effects import SeverityChanged
from rules.decision.model import AddComment, Decision, OpenTicket
from rules.people import ParticipantKind, Presence
from rules.sender.authentication import Authentication
from rules.sender.tokens import Purpose
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    GIL,
    NOTHING,
    PROVEN,
    SAM,
    SUPPORT,
    World,
    a_mail,
    a_ticket,
    member,
    orders_of,
    token_to,
)

EVE = "eve@evil.example"
STAFFED = a_ticket(
    7,
    *ANNS.participants,
    member(71, BOB.address),
    member(79, SAM.address, ParticipantKind.FOLLOWER),
)
CUSTOMERS = {ANN.address, BOB.address, GIL.address, EVE}
TO_SAM = token_to(79)

MARKS = st.sampled_from(["", "", "", "- ", "* ", "**", "\u201c", "\u00a0", "\u2022 ", "\ufeff"])
SIGNS = st.sampled_from(["#", "#", "#", "\uff03", "# ", "#\u00a0", "##"])
SPELT = st.sampled_from(sorted(NAMES)).flatmap(
    lambda name: st.sampled_from([name, name.capitalize(), name.upper()])
)
VALUES = st.sampled_from(
    ["", "", "open", "geschlossen", "me", "low", "Critical", "P1", "critical, it burns", "7", "x",
     "project_id blue", "+gil@globex.example", "ann@acme.example", "a b", "3d", "he is wrong"]
)  # fmt: skip
COMMAND = st.builds("{}{}{} {}".format, MARKS, SIGNS, SPELT, VALUES)
PROSE = st.sampled_from(
    ["Hello Ann,", "", "They did not pay.", "#42", "#hashtag", "> quoted", "> #note",
     "Regards, Sam", "# Heading", "On Mon, 2 Mar 2026, Ann <ann@acme.example> wrote:", "-- ",
     "#stauts open"]
)  # fmt: skip
TEXT = st.lists(st.one_of(COMMAND, PROSE, PROSE), max_size=7).map("\n".join)
DOORS = st.sampled_from([TO_SAM, token_to(79, purpose=Purpose.NOTE), token_to(70), SUPPORT])
COPIES = st.sampled_from([(), (), (EVE,), (ANN.address, EVE), (SAM.address,)])


@given(TEXT, DOORS, st.sampled_from([PROVEN, NOTHING]), COPIES)
@example("Hello,\n#note\nThey did not pay.", TO_SAM, PROVEN, ())
@example("Hello,\n\u201c#Notiz\u201d\nThey did not pay.", TO_SAM, PROVEN, ())
@example("#note\nThey did not pay.", TO_SAM, PROVEN, (EVE,))
@example("#split\nThey did not pay.", TO_SAM, PROVEN, ())
@example("Hi,\n#split\nThey did not pay.", TO_SAM, PROVEN, ())
@example("#severity P1\nThey did not pay.", TO_SAM, PROVEN, ())
def test_a_staff_mail_publishes_nothing_unwanted(
    text: str, to: str, proof: Authentication, copies: tuple[str, ...]
) -> None:
    world = World(tickets=(STAFFED, replace(STAFFED, id=8)), proof=proof)
    mail = a_mail(SAM.address, text=text, to=(to, *copies))
    decision = world.decide(mail, to=to)
    action = decision.action

    if isinstance(action, OpenTicket):
        assert action.for_customer is not None or not _reached(decision)
        return
    if not isinstance(action, AddComment):
        assert not _reached(decision)
        return
    effects = action.command_effects
    assert not any(isinstance(e, SeverityChanged) and e.critical for e in effects.rows)
    by_own_address = proof is PROVEN and to == TO_SAM
    if not by_own_address:
        assert action.visibility is not Visibility.PUBLIC
    if proof is not PROVEN:
        assert not _reached(decision)
    told = {o.address for o in (*action.orders, *effects.notices) if o.quotes} & CUSTOMERS
    if effects.splits:
        assert by_own_address
        assert not _commands_in("\n".join(each.comment.text for each in effects.splits))
    elif action.visibility is not Visibility.PUBLIC:
        assert not told
        assert all(each.presence is Presence.PENDING for each in action.additions)
    else:
        assert not _commands_in(published_text(text))


def _commands_in(text: str) -> list[Spelled]:
    found = [spelled(line) for line in text.splitlines() if not line.lstrip().startswith(">")]
    return [each for each in found if each and each.is_known and not each.is_heading]


def _reached(decision: Decision) -> set[str]:
    """The customers to whom a mail goes because of it."""
    action = decision.action
    by_commands = action.command_effects.notices if isinstance(action, AddComment) else ()
    return {order.address for order in (*orders_of(decision), *by_commands)} & CUSTOMERS
