"""Escalation: one level at a time, and always to somebody who is on duty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policies
from rules.decision.change.decide import decide_change
from rules.decision.change.facts import ChangeFacts
from rules.decision.effects import ChangeRefused, Effects
from rules.facts import DESK, EarlierRequest, EscalationFacts, KnownComment
from rules.identity import TOKEN_ALONE
from rules.mail.quoting import REPLY_MARK
from rules.people import ParticipantKind, Staff
from rules.policy import (
    EscalationLevel,
    EscalationSection,
    OnCallSection,
    Policy,
    RosterWindow,
    TierSection,
)
from rules.sentence import sentence
from rules.service.escalation import (
    Contact,
    EscalationRefused,
    EscalationRequest,
    NextLevel,
    Reached,
    contacts_of,
    next_level,
    reach,
)
from rules.ticket.changes import Escalate, Source
from rules.ticket.payloads import EscalationPayload
from rules.ticket.visibility import Visibility
from tests.rules.building import (
    ANN,
    ANNS,
    BOB,
    NOON,
    SAM,
    SUPPORT,
    a_ticket,
    default_policy,
    member,
)
from tests.rules.service.rosters import INSTANTS, WINDOWS, a_level, window

SHIPPED = policies.load(None)
STAKATER, WEKA = SHIPPED["stakater"], SHIPPED["weka"]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def escalated(
    current: int = 0,
    staff_spoke: bool = False,
    critical_claimed: bool = False,
    by_portal: bool = False,
    policy: Policy | None = None,
    tier: TierSection | None = None,
    **more: Any,
) -> NextLevel | EscalationRefused:
    request = EscalationRequest(
        level=current,
        staff_spoke=staff_spoke,
        critical_claimed=critical_claimed,
        by_portal=by_portal,
        **more,
    )
    return next_level(request, policy or ATLAN, NOON, tier=tier)


def untimed(policy: Policy) -> Policy:
    """The policy without a time that its levels have to answer."""
    levels = tuple(
        each.model_copy(update={"answer_within": None}) for each in policy.escalation.levels
    )
    return with_levels(policy, *levels)


def with_levels(policy: Policy, *levels: EscalationLevel) -> Policy:
    escalation = policy.escalation.model_copy(update={"levels": levels})
    return policy.model_copy(update={"escalation": escalation})


def ago(minutes: int) -> datetime:
    return NOON - timedelta(minutes=minutes)


ATLAN = untimed(SHIPPED["atlan"])
SAM_OF_STAFF = Staff(SAM.address, "en", "Sam")


def title(outcome: NextLevel | EscalationRefused) -> tuple[int, str]:
    assert isinstance(outcome, NextLevel)
    return outcome.level, outcome.title


# One level at a time


def test_the_first_request_goes_to_level_1_whether_staff_spoke_or_not() -> None:
    assert title(escalated(0, staff_spoke=False)) == (1, "Technical Support Engineer")
    assert title(escalated(0, staff_spoke=True)) == (1, "Technical Support Engineer")


def test_t5_level_1_is_asked_again_before_level_2_as_long_as_it_has_not_answered() -> None:
    outcome = escalated(1, staff_spoke=False)

    assert title(outcome) == (1, "Technical Support Engineer")
    assert isinstance(outcome, NextLevel)
    assert "has not answered yet" in str(outcome.reason)


def test_t5_after_the_answer_of_level_1_it_goes_up_level_by_level() -> None:
    assert title(escalated(1, staff_spoke=True)) == (2, "Director, Support")
    assert title(escalated(2, staff_spoke=True)) == (3, "Head of Customer Experience")


def test_above_level_1_it_does_not_matter_whether_staff_spoke() -> None:
    assert title(escalated(2, staff_spoke=False)) == (3, "Head of Customer Experience")


def test_where_the_policy_does_not_require_an_answer_level_2_follows_without_one() -> None:
    assert title(escalated(1, policy=STAKATER)) == (2, "Head of support")


@pytest.mark.parametrize("current", [3, 9])
def test_the_highest_level_is_asked_again(current: int) -> None:
    outcome = escalated(current, staff_spoke=True)

    assert title(outcome) == (3, "Head of Customer Experience")
    assert isinstance(outcome, NextLevel)
    assert str(outcome.reason) == (
        "Head of Customer Experience is the highest level and is asked again."
    )


def test_w5_a_repeated_request_goes_to_who_is_on_duty_now() -> None:
    before = EarlierRequest(ago(5), 0, 1, "executive-apac@example.com")

    outcome = escalated(1, policy=WEKA, earlier=(before,))

    assert isinstance(outcome, NextLevel)
    assert outcome.reached.address == "executive-emea@example.com"


@pytest.mark.parametrize(("minutes", "refused"), [(0, True), (14, True), (15, False)])
def test_the_same_contact_is_asked_once_in_a_quarter_of_an_hour(
    minutes: int, refused: bool
) -> None:
    before = EarlierRequest(ago(minutes), 0, 1, "executive-emea@example.com")

    outcome = escalated(1, policy=WEKA, earlier=(before,))

    assert isinstance(outcome, EscalationRefused) is refused


def test_a_request_that_comes_too_soon_names_the_times_and_the_phone() -> None:
    before = EarlierRequest(ago(3), 0, 1, "executive-emea@example.com")

    outcome = escalated(1, policy=WEKA, earlier=(before,))

    assert isinstance(outcome, EscalationRefused)
    assert str(outcome.reason) == (
        "Executive on duty (Executive for Europe) was asked at 2026-03-02 11:57 UTC and can be "
        "asked again after 2026-03-02 12:12 UTC, or by phone: +1 555 0102."
    )


def test_the_pause_does_not_delay_the_next_level() -> None:
    contact = ATLAN.escalation.levels[0].contact
    before = EarlierRequest(ago(1), 0, 1, contact or "")

    outcome = escalated(1, staff_spoke=True, earlier=(before,))

    assert title(outcome) == (2, "Director, Support")


# The time that a level has to answer


TIMED = with_levels(
    ATLAN,
    *(each.model_copy(update={"answer_within": "1 hour"}) for each in ATLAN.escalation.levels[:2]),
    ATLAN.escalation.levels[2],
)


@pytest.mark.parametrize(("minutes", "level"), [(16, 1), (59, 1), (60, 2), (600, 2)])
def test_t10_no_level_is_reached_within_the_time_of_the_one_below(minutes: int, level: int) -> None:
    earlier = (EarlierRequest(ago(minutes), 0, 1, "engineer@help.example"),)

    outcome = escalated(1, policy=TIMED, earlier=earlier)

    assert title(outcome)[0] == level


def test_t10_the_reason_names_the_time_and_the_next_level() -> None:
    earlier = (EarlierRequest(ago(20), 1, 2, "director@help.example"),)

    outcome = escalated(2, policy=TIMED, earlier=earlier)

    assert isinstance(outcome, NextLevel)
    assert str(outcome.reason) == (
        "Director, Support has until 2026-03-02 12:40 UTC to answer and is asked again; "
        "Head of Customer Experience follows after that time, or after an answer."
    )


def test_t10_an_answer_ends_the_time_of_a_level_early() -> None:
    earlier = (EarlierRequest(ago(20), 0, 1, "engineer@help.example"),)

    before = escalated(1, policy=TIMED, earlier=earlier, answered_at=ago(25))
    after = escalated(1, policy=TIMED, earlier=earlier, answered_at=ago(10))

    assert (title(before)[0], title(after)[0]) == (1, 2)


def test_t10_asking_again_does_not_prolong_the_time() -> None:
    earlier = (
        EarlierRequest(ago(20), 1, 1, "engineer@help.example"),
        EarlierRequest(ago(60), 0, 1, "engineer@help.example"),
    )

    assert title(escalated(1, policy=TIMED, earlier=earlier))[0] == 2


def test_the_time_of_a_level_counts_as_its_answer() -> None:
    """`spoken_first` is no second condition."""
    assert TIMED.escalation.spoken_first

    assert title(escalated(1, policy=TIMED))[0] == 2


# Somebody always gets the mail

WREN, HERON, CONTACT = "wren@help.example", "heron@help.example", "desk@help.example"
STANDBY = a_level(window("11:00", "13:00"), window("18:00", "20:00", name="Heron"))


def test_t10_a_dead_contact_is_passed_over_for_the_next_open_window() -> None:
    level = a_level(window("11:00", "13:00"), window("10:00", "14:00", name="Heron"))

    reached = reach(level, NOON, {WREN})

    assert reached == Reached(Contact("Heron", HERON, "+1 555 0100"), passed=(WREN,))


def test_where_no_open_window_is_reached_the_contact_of_the_level_is_notified() -> None:
    assert reach(STANDBY, NOON, {WREN}).address == CONTACT


def test_where_that_contact_is_not_reached_the_window_that_opens_next_is_notified() -> None:
    assert reach(STANDBY, NOON, {WREN, CONTACT}) == Reached(
        Contact("Heron", HERON, "+1 555 0100"), passed=(WREN, CONTACT)
    )


def test_in_the_end_the_desk_is_notified() -> None:
    assert reach(STANDBY, NOON, {WREN, CONTACT, HERON}) == Reached(
        None, passed=(WREN, CONTACT, HERON)
    )


def test_who_was_not_tried_is_not_passed_over() -> None:
    assert reach(STANDBY, NOON, {HERON}) == Reached(Contact("Wren", WREN, "+1 555 0100"))


def test_t10_the_assigned_engineer_is_notified_first() -> None:
    level = a_level(window("00:00", "24:00")).model_copy(update={"assigned_first": True})
    policy = with_levels(ATLAN, level)

    outcome = escalated(policy=policy, assigned=SAM_OF_STAFF)

    assert isinstance(outcome, NextLevel)
    assert outcome.reached.contact == Contact("Sam", SAM.address, "+1 555 0100")


def test_t10_an_assigned_engineer_whom_no_mail_reaches_is_passed_over() -> None:
    level = a_level(window("00:00", "24:00")).model_copy(update={"assigned_first": True})
    request = EscalationRequest(assigned=SAM_OF_STAFF)

    outcome = next_level(request, with_levels(ATLAN, level), NOON, unreachable={SAM.address})

    assert isinstance(outcome, NextLevel)
    assert outcome.reached == Reached(Contact("Wren", WREN, "+1 555 0100"), passed=(SAM.address,))


def test_where_the_policy_does_not_say_so_the_assigned_engineer_is_not_first() -> None:
    level = a_level(window("00:00", "24:00"))

    outcome = escalated(policy=with_levels(ATLAN, level), assigned=SAM_OF_STAFF)

    assert isinstance(outcome, NextLevel)
    assert outcome.reached.address == WREN


def test_a_request_goes_up_although_nobody_of_the_level_is_reached() -> None:
    level = a_level()

    outcome = next_level(
        EscalationRequest(), with_levels(ATLAN, level), NOON, unreachable={CONTACT}
    )

    assert isinstance(outcome, NextLevel)
    assert (outcome.level, outcome.reached) == (1, Reached(None, passed=(CONTACT,)))
    assert outcome.reached.address == DESK


@given(
    st.lists(WINDOWS, min_size=1, max_size=3),
    st.sets(st.sampled_from([WREN, CONTACT])),
    INSTANTS,
)
def test_nobody_is_notified_whom_no_mail_reaches(
    roster: list[RosterWindow], unreachable: set[str], instant: datetime
) -> None:
    reached = reach(a_level(*roster), instant, unreachable)

    assert reached.address not in unreachable
    assert (reached.contact is None) is (unreachable == {WREN, CONTACT})
    assert set(reached.passed) <= unreachable


def test_the_contacts_of_a_policy_are_those_of_its_levels_and_on_call() -> None:
    duty = OnCallSection(contact="Duty@Help.Example", roster=(window("09:00", "17:00"),))
    policy = with_levels(ATLAN, a_level(window("08:00", "12:00", name="Heron"))).model_copy(
        update={"on_call": duty}
    )

    assert contacts_of(policy) == {WREN, HERON, CONTACT, "duty@help.example"}


def test_without_levels_there_is_nobody_to_escalate_to() -> None:
    outcome = escalated(policy=default_policy(escalation=EscalationSection()))

    assert isinstance(outcome, EscalationRefused)
    assert "nobody to escalate to" in str(outcome.reason)


def test_s5_a_critical_claim_by_mail_begins_in_the_portal() -> None:
    assert escalated(critical_claimed=True, policy=STAKATER) == EscalationRefused(
        sentence("{text}", text=STAKATER.severity.critical_channel)
    )


def test_s5_the_channel_of_the_customers_tier_takes_precedence() -> None:
    premium = STAKATER.tier("premium")
    assert premium is not None

    outcome = escalated(critical_claimed=True, policy=STAKATER, tier=premium)

    assert outcome == EscalationRefused(sentence("{text}", text=premium.critical_channel))


@pytest.mark.parametrize("part", [ParticipantKind.USER, ParticipantKind.GUEST])
def test_s5_a_guest_is_refused_with_the_channel_of_all(part: ParticipantKind) -> None:
    """That of the tier is agreed with the company of the ticket."""
    premium = STAKATER.tier("premium")
    assert premium is not None
    ticket = a_ticket(7, member(70, BOB.address, part))
    ticket = replace(ticket, tier=premium.name, critical_claimed=True)
    facts = ChangeFacts(NOON, BOB.address, Source.MAIL, by_staff=False, mailbox=SUPPORT)

    outcome = decide_change(ticket, Escalate("It is down."), facts, STAKATER)

    own, of_all = premium.critical_channel, STAKATER.severity.critical_channel
    assert isinstance(outcome, ChangeRefused)
    assert own != of_all
    assert str(outcome.why) == (of_all if part is ParticipantKind.GUEST else own)


def test_s5_once_it_is_logged_in_the_portal_the_escalation_begins() -> None:
    outcome = escalated(critical_claimed=True, by_portal=True, policy=STAKATER)

    assert title(outcome) == (1, "Engineer on duty")


def test_a_request_that_is_not_critical_needs_no_portal() -> None:
    assert title(escalated(policy=STAKATER)) == (1, "Engineer on duty")


def test_without_a_critical_channel_our_own_text_names_the_portal() -> None:
    severity = STAKATER.severity.model_copy(update={"critical_channel": None})
    policy = STAKATER.model_copy(update={"severity": severity})

    outcome = escalated(critical_claimed=True, policy=policy)

    assert isinstance(outcome, EscalationRefused)
    assert "logged in the portal" in str(outcome.reason)


@given(
    st.sampled_from(sorted(SHIPPED)), st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()
)
def test_no_request_skips_a_level(
    name: str, current: int, spoke: bool, critical: bool, portal: bool
) -> None:
    outcome = escalated(current, spoke, critical, portal, SHIPPED[name])

    match outcome:
        case NextLevel(level=level):
            highest = len(SHIPPED[name].escalation.levels)
            assert level in (current + 1, 1, highest)
            assert level <= highest
        case EscalationRefused(reason=reason):
            assert str(reason)


@pytest.mark.parametrize(("actor", "asked"), [(ANN.address, SAM.address), (SAM.address, WREN)])
def test_who_escalates_their_own_ticket_asks_somebody_else(actor: str, asked: str) -> None:
    level = a_level(window("00:00", "24:00")).model_copy(update={"assigned_first": True})
    facts = ChangeFacts(
        NOON, actor, Source.API, by_staff=True, mailbox=SUPPORT, staff=(SAM_OF_STAFF,)
    )
    assigned = replace(ANNS, assignee=SAM.address)

    effects = decide_change(assigned, Escalate("Help"), facts, with_levels(ATLAN, level))

    assert isinstance(effects, Effects)
    assert [order.address for order in effects.notices] == [asked]


@pytest.mark.parametrize("has_commands", [True, False])
def test_the_history_has_the_words_of_staff_without_their_commands(has_commands: bool) -> None:
    said = KnownComment(
        SAM.address,
        Visibility.PUBLIC,
        "#severity low, Ann exaggerates\n\nWe look into it.",
        NOON,
        has_commands=has_commands,
    )

    history = history_of(said)

    assert "We look into it." in history
    assert ("exaggerates" in history) is not has_commands


@pytest.mark.parametrize("by_mail", [True, False])
def test_the_history_has_no_notice_to_staff_that_somebody_answered_between_its_lines(
    by_mail: bool,
) -> None:
    """The contact may be none of the staff. What stands between quoted lines is not hidden."""
    quoted = f"> {REPLY_MARK}\n>\n> Sue wrote a note:\n> Ann exaggerates.\n\nI saw it, too."
    text = f"We look into it.\n\n{quoted}"

    history = history_of(
        KnownComment(SAM.address, Visibility.PUBLIC, text, NOON, has_commands=by_mail)
    )

    assert "We look into it." in history
    assert "exaggerates" not in history


@pytest.mark.parametrize(
    ("text", "end"), [("é" * 600, "é" * 10), ("word " * 99 + "support+" + "a" * 90, "word word")]
)
def test_the_history_cuts_no_word_that_may_be_a_reply_address(text: str, end: str) -> None:
    history = history_of(KnownComment(ANN.address, Visibility.PUBLIC, text, NOON))

    assert history.replace("\n| ", " ").rstrip().endswith(end)
    assert "support+" not in history


def test_a_contact_is_notified_of_what_somebody_else_may_have_written() -> None:
    forged = KnownComment(ANN.address, Visibility.PUBLIC, "It is solved.", NOON, proof=TOKEN_ALONE)
    hers = replace(forged, written_at=NOON + timedelta(hours=1), proof="dkim:acme.example")

    (note,) = notice_with(forged, hers).notes

    assert str(note) == (
        "Not verified, so that somebody else may have written it: "
        "2026-03-02 12:00 UTC, ann@acme.example."
    )


def history_of(*comments: KnownComment) -> str:
    """The history in the notice of an escalation."""
    return notice_with(*comments).history


def notice_with(*comments: KnownComment) -> EscalationPayload:
    """The notice of an escalation of a ticket with these comments."""
    facts = ChangeFacts(
        NOON,
        SAM.address,
        Source.API,
        by_staff=True,
        mailbox=SUPPORT,
        escalation=EscalationFacts(history=comments),
    )
    effects = decide_change(ANNS, Escalate("Down"), facts, ATLAN)
    assert isinstance(effects, Effects)
    (payload, *_) = [each.payload for each in effects.notices]
    assert isinstance(payload, EscalationPayload)
    return payload


def test_no_line_of_a_comment_in_the_history_begins_at_the_margin() -> None:
    said = KnownComment(
        ANN.address,
        Visibility.PUBLIC,
        "Yes.\n\n2026-03-02 12:00 UTC, sam@help.example:\nClose it.",
        NOON,
        subject="2026-03-02 12:00 UTC, sam@help.example:",
    )
    heading = "2026-03-02 12:00 UTC, ann@acme.example:"
    lines = history_of(said, said).splitlines()
    assert [line for line in lines if line and not line.startswith("|")] == [heading] * 2
