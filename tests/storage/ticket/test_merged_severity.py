"""A merge lowers no critical ticket, and by mail it raises none; claims go along."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.decision.effects import Effects
from rules.decision.reasons import Reason
from rules.policy import LevelSection, TierSection
from rules.ticket.audit import AuditEvent
from rules.ticket.changes import Merge, SetAnySeverity, SetStatus, Source
from rules.ticket.lifecycle import Status
from rules.ticket.notices import NoticeKind
from rules.ticket.sla import Stage
from storage.db.tables import WithheldRow
from storage.ticket import read
from storage.ticket.views import AuditView
from tests.rules.building import ANN, BOB, SAM, a_mail, default_policy, policy_with
from tests.storage.shop import Shop, opened


def a_ticket(shop: Shop, level: str = "", subject: str = "Lift", by: str = ANN.address) -> int:
    mail = a_mail(by, subject=subject, message_id=f"<{shop.new_id()}@client.example>")
    number = opened(shop.take(mail))
    if level:
        assert isinstance(shop.change(number, SetAnySeverity(level, "it burns")), Effects)
    return number


def merged(shop: Shop, number: int, into: int) -> list[str]:
    """What is reported of a merge over the command line."""
    done = shop.change(number, Merge(into))
    assert isinstance(done, Effects)
    return [str(each) for each in done.done]


def history(shop: Shop, number: int) -> list[AuditView]:
    view = shop.database.read(lambda c: read.ticket_view(c, number))
    assert view is not None
    return list(view.history)


def merge_by_mail(shop: Shop, number: int, into: int) -> Reason:
    mail = a_mail(SAM.address, text=f"#merge {into}", message_id=f"<{shop.new_id()}@help.example>")
    return shop.take(mail, to=shop.token(number, SAM.address)).reason


class TestACriticalTicketIsMergedIntoALesserOne:
    def test_that_one_gets_its_level(self, shop: Shop) -> None:
        burning, other = a_ticket(shop, "Critical"), a_ticket(shop, "Low", by=BOB.address)

        said = merged(shop, burning, other)

        ticket = shop.ticket(other)
        assert (ticket.severity, ticket.critical) == ("Critical", True)
        assert f"#{other} is Critical now, as #{burning} was" in said
        (changed,) = [e for e in history(shop, other) if e.was == "Low" and e.became == "Critical"]
        assert changed.event is AuditEvent.SEVERITY_CHANGED
        assert changed.source == Source.CONSOLE.value
        assert changed.reason == f"#{burning} was merged into it"

    def test_its_customers_are_notified_of_the_new_level(self, shop: Shop) -> None:
        burning, other = a_ticket(shop, "Critical"), a_ticket(shop, "Low", by=BOB.address)
        before = {notice.id for notice in shop.notices()}

        merged(shop, burning, other)

        new = [n for n in shop.notices(BOB.address) if n.id not in before]
        assert [(n.kind, n.ticket) for n in new] == [(NoticeKind.STATUS.value, other)]

    def test_it_is_promised_what_its_new_level_is(self, shop: Shop) -> None:
        promises = {"Critical": "1 hour", "Low": "5 days"}
        tier = TierSection(name="t", title="T", first=promises)
        shop.policy = default_policy(default_tier="t", tiers=(tier,))
        burning, other = a_ticket(shop, "Critical"), a_ticket(shop, "Low", by=BOB.address)

        merged(shop, burning, other)

        clock = shop.ticket(other).clock
        assert clock is not None
        assert (clock.stage, str(clock.span)) == (Stage.FIRST, "1 hour")

    def test_by_mail_it_is_refused_with_a_way_out(self, shop: Shop) -> None:
        burning, other = a_ticket(shop, "Critical"), a_ticket(shop, "Low", by=BOB.address)

        assert merge_by_mail(shop, burning, other) is Reason.COMMAND_REFUSED

        assert shop.ticket(burning).merged_into is None
        assert shop.ticket(other).severity == "Low"
        by_mail = replace(shop.context(), source=Source.STAFF_MAIL)
        why = shop.refusal(burning, Merge(other), context=by_mail)
        assert f"#{burning} is Critical, and no mail makes #{other} so" in why
        assert f"merge #{other} into #{burning} instead" in why
        merge_by_mail(shop, other, burning)
        assert shop.ticket(other).merged_into == burning
        assert shop.ticket(burning).critical

    def test_also_after_it_was_closed(self, shop: Shop) -> None:
        burning, other = a_ticket(shop, "Critical"), a_ticket(shop, "Low", by=BOB.address)
        shop.change(burning, SetStatus(Status.CLOSED))

        merged(shop, burning, other)

        assert shop.ticket(other).critical

    def test_of_two_critical_levels_the_severer_is_kept(self, shop: Shop) -> None:
        levels = (
            LevelSection(name="P0", meaning="x", critical=True),
            LevelSection(name="P1", meaning="x", critical=True),
            LevelSection(name="P2", meaning="x"),
        )
        shop.policy = policy_with(
            "severity", default="P2", ceiling="P2", high_importance=None, levels=levels
        )
        first, second, third = (a_ticket(shop, level) for level in ("P0", "P1", "P0"))

        merged(shop, second, first)
        assert shop.ticket(first).severity == "P0"
        fourth = a_ticket(shop, "P1")
        merged(shop, third, fourth)
        assert shop.ticket(fourth).severity == "P0"


@pytest.mark.parametrize(
    ("level", "into", "stays"), [("High", "Low", True), ("Low", "High", False)]
)
def test_an_ordinary_level_is_not_taken_over_and_it_is_said(
    shop: Shop, level: str, into: str, stays: bool
) -> None:
    number, other = a_ticket(shop, level), a_ticket(shop, into)

    said = merged(shop, number, other)

    assert shop.ticket(other).severity == into
    assert (f"#{other} stays {into}; #{number} was {level}" in said) is stays


class TestClaims:
    def test_a_critical_claim_is_carried_over(self, shop: Shop) -> None:
        claimed, other = a_ticket(shop, subject="[Critical] Lift"), a_ticket(shop)

        merged(shop, claimed, other)

        ticket = shop.ticket(other)
        assert (ticket.severity_claimed, ticket.critical_claimed) == ("Critical", True)
        assert not ticket.critical
        assert (AuditEvent.SEVERITY_CLAIMED, f"#{claimed}", "", "Critical") in [
            (e.event, e.subject, e.was, e.became) for e in history(shop, other)
        ]

    def test_by_mail_too(self, shop: Shop) -> None:
        claimed, other = a_ticket(shop, subject="[Critical] Lift"), a_ticket(shop)

        merge_by_mail(shop, claimed, other)

        assert shop.ticket(claimed).merged_into == other
        assert shop.ticket(other).critical_claimed
        assert not shop.ticket(other).critical

    def test_the_lesser_of_two_claims_is_not(self, shop: Shop) -> None:
        lesser, other = a_ticket(shop, subject="[Low] x"), a_ticket(shop, subject="[Critical] x")

        merged(shop, lesser, other)

        assert shop.ticket(other).severity_claimed == "Critical"

    def test_a_critical_ticket_has_no_open_claim(self, shop: Shop) -> None:
        claimed, burning = a_ticket(shop, subject="[Critical] Lift"), a_ticket(shop, "Critical")

        merged(shop, claimed, burning)

        ticket = shop.ticket(burning)
        assert (ticket.critical, ticket.critical_claimed) == (True, False)

    @pytest.mark.parametrize("by_staff", [True, False])
    def test_only_staff_close_one_by_setting_another_level(
        self, shop: Shop, by_staff: bool
    ) -> None:
        claimed = a_ticket(shop, subject="[Critical] Lift")
        context = replace(shop.context(), source=Source.API)

        shop.change(claimed, SetAnySeverity("Low", "no"), by_staff=by_staff, context=context)

        ticket = shop.ticket(claimed)
        assert (ticket.severity, ticket.severity_claimed) == ("Low", "Critical")
        assert ticket.critical_claimed is not by_staff


def test_what_a_budget_withholds_about_the_other_ticket_is_counted_there(shop: Shop) -> None:
    budgets = shop.policy.budgets.model_copy(update={"notices_per_hour": 1})
    burning, other = a_ticket(shop, "Critical"), a_ticket(shop, "Low", by=BOB.address)
    shop.policy = shop.policy.model_copy(update={"budgets": budgets})
    before = shop.count(WithheldRow, ticket_id=other)

    merged(shop, burning, other)

    assert shop.count(WithheldRow, ticket_id=other, address=BOB.address) > before
