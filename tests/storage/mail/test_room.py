"""What limits of room and rate are measured by, counted over the rows of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from rules.decision.reasons import Reason, Verdict
from rules.decision.receipt import Receipt
from rules.mail import Mail
from rules.sender.authentication import Authentication
from storage.db.tables import JournalRow, table
from storage.mail import quarantine
from storage.mail.filing import file
from storage.mail.room import room_for
from tests.rules.building import ANN, NOON, NOTHING, PROVEN, SUPPORT, a_mail, default_policy
from tests.storage.shop import Shop, opened

NEW, OTHER = "new@acme.example", "other@acme.example"
DAEMON = "mailer-daemon@mx.elsewhere.example"


@pytest.fixture
def small(shop: Shop) -> Shop:
    """Room for two held mails of a sender, three of a domain, and two a day of a network."""
    policy = default_policy()
    hold = policy.hold.model_copy(update={"per_sender": 2, "per_domain": 3, "per_network": 2})
    quota = policy.quota.model_copy(update={"network_mails": 2})
    return replace(shop, policy=policy.model_copy(update={"hold": hold, "quota": quota}))


def take(shop: Shop, mail: Mail, peer: str = "192.0.2.1", **circumstances: Any) -> Receipt:
    entry = shop.entry(mail, **circumstances)
    envelope = replace(entry.considered.envelope, peer=peer)
    entry = replace(entry, considered=replace(entry.considered, envelope=envelope))
    return shop.write(lambda c: file(c, [entry]))[0]


def bounce(shop: Shop, peer: str, **circumstances: Any) -> Receipt:
    return take(shop, a_mail(DAEMON), peer, proof=NOTHING, mail_from="", **circumstances)


def limited(shop: Shop, **budgets: int) -> Shop:
    changed = default_policy().budgets.model_copy(update=budgets)
    return replace(shop, policy=default_policy().model_copy(update={"budgets": changed}))


def test_a_network_has_a_quota_for_each_day(small: Shop) -> None:
    first = [bounce(small, peer) for peer in ("192.0.2.1", "192.0.2.99")]
    third = bounce(small, "192.0.2.7")
    elsewhere = bounce(small, "198.51.100.1")
    next_day = bounce(small, "192.0.2.7", at=NOON + timedelta(days=1, seconds=1))

    assert [receipt.verdict for receipt in first] == [Verdict.RECORDED] * 2
    assert (third.verdict, third.reason) == (Verdict.DEFERRED, Reason.QUOTA)
    assert str(third.reply).startswith("452 4.3.1")
    assert third.is_delayed
    assert elsewhere.verdict is next_day.verdict is Verdict.RECORDED


def test_the_networks_of_a_provider_have_four_times_the_quota_of_one(small: Shop) -> None:
    first = [bounce(small, f"2001:db8:{n}::1") for n in range(8)]
    ninth = bounce(small, "2001:db8:99::1")

    assert {receipt.verdict for receipt in first} == {Verdict.RECORDED}
    assert (ninth.verdict, ninth.reason) == (Verdict.DEFERRED, Reason.QUOTA)
    assert bounce(small, "2001:db9::1").verdict is Verdict.RECORDED


def test_a_network_of_ipv6_has_no_more_than_its_own_quota(small: Shop) -> None:
    received = [bounce(small, f"2001:db8:7:{n}::1").verdict for n in range(3)]

    assert received == [Verdict.RECORDED] * 2 + [Verdict.DEFERRED]


def test_the_networks_of_a_provider_have_four_times_the_room_to_wait_of_one(shop: Shop) -> None:
    hold = default_policy().hold.model_copy(update={"per_network": 1})
    policy = default_policy().model_copy(update={"hold": hold, "strangers": "hold"})
    small = replace(shop, policy=policy)

    def held(peer: str) -> Verdict:
        return take(small, a_mail("eve@evil.example"), peer).verdict

    assert [held(f"2001:db8:{n}::1") for n in range(5)] == [Verdict.HELD] * 4 + [Verdict.DEFERRED]
    assert held("2001:db9::1") is Verdict.HELD


def test_the_octets_of_a_network_are_counted_as_they_are_stored(small: Shop) -> None:
    bounce(small, "192.0.2.1")

    journal = table(JournalRow)
    query = journal.select().with_only_columns(journal.c.network, journal.c.kept_bytes)
    network, kept = small.database.read(lambda c: c.execute(query).one())
    assert network == "192.0.2.0/24"
    assert 0 < kept < 500


def test_the_details_of_an_address_are_one_sender(small: Shop) -> None:
    mine = [take(small, a_mail(f"new+{n}@acme.example")) for n in range(2)]
    full = [take(small, a_mail(author)) for author in ("new+9@acme.example", NEW)]
    others = [take(small, a_mail(OTHER)), take(small, a_mail("newer@acme.example"))]

    assert [receipt.verdict for receipt in mine] == [Verdict.HELD] * 2
    assert [receipt.reason for receipt in full] == [Reason.QUARANTINE_FULL] * 2
    assert [receipt.verdict for receipt in others] == [Verdict.HELD, Verdict.DEFERRED]


def test_a_proven_sender_and_their_domain_have_caps_that_discarding_frees(small: Shop) -> None:
    mine = [take(small, a_mail(NEW)) for _ in range(3)]
    others = [take(small, a_mail(OTHER)) for _ in range(2)]

    held, full = (Verdict.HELD, Reason.NOT_ENROLLED), (Verdict.DEFERRED, Reason.QUARANTINE_FULL)
    assert [(r.verdict, r.reason) for r in mine] == [held, held, full]
    assert [(r.verdict, r.reason) for r in others] == [held, full]

    small.write(lambda c: quarantine.discard(c, mine[0].journal_id))
    assert take(small, a_mail(OTHER)).verdict is Verdict.HELD


def test_a_deferral_for_want_of_room_leaves_only_its_journal_row(small: Shop) -> None:
    for _ in range(3):
        bounce(small, "192.0.2.1")

    counted = "SELECT (SELECT sum(refs) FROM raw_mail), (SELECT count(*) FROM deferral)"
    assert tuple(small.database.read(lambda c: c.exec_driver_sql(counted).one())) == (2, 0)


def test_ordinary_mail_is_measured_by_nothing(shop: Shop) -> None:
    for mail in (a_mail(ANN.address), a_mail("eve@evil.example")):
        entry = shop.entry(mail)
        decision = shop.database.read(partial(shop.decide, entry=entry))
        assert shop.database.read(partial(room_for, entry=entry, decision=decision)) is None


def test_the_rate_of_a_domain_counts_proven_mail_of_the_company_there(shop: Shop) -> None:
    budgets = default_policy().budgets.model_copy(
        update={"domain_mails_per_hour": 25, "tickets_per_hour": 1000}
    )
    shop.policy = default_policy().model_copy(update={"budgets": budgets})
    bob, gil = "bob@acme.example", "gil@globex.example"
    for _ in range(5):
        assert shop.take(a_mail(bob)).verdict is Verdict.OPENED
    first = [shop.take(a_mail(ANN.address)) for _ in range(20)]
    shop.take(a_mail(gil))

    # Ann has written 20, so her domain is counted; Bob is not busy yet.
    assert {receipt.verdict for receipt in first} == {Verdict.OPENED}
    assert shop.take(a_mail(ANN.address)).reason is Reason.DOMAIN_RATE
    assert shop.take(a_mail(bob)).verdict is Verdict.OPENED
    later = shop.take(a_mail(ANN.address), at=NOON + timedelta(hours=1, seconds=1))
    assert later.verdict is Verdict.OPENED


def large(shop: Shop, author: str, **headers: Any) -> Receipt:
    """A mail that takes a MiB in the store."""
    receipt = take(shop, a_mail(author, **headers), mail_from="x@client.example")
    journal = table(JournalRow)
    size = update(journal).where(journal.c.id == receipt.journal_id).values(kept_bytes=2**20)
    shop.write(lambda connection: connection.execute(size))
    return receipt


def test_what_the_mails_of_a_sender_take_in_the_store_is_limited(shop: Shop) -> None:
    small = limited(shop, sender_mib_per_hour=3)

    assert [large(small, ANN.address).verdict for _ in range(3)] == [Verdict.OPENED] * 3
    assert large(small, ANN.address).reason is Reason.SENDER_RATE
    assert large(small, "bob@acme.example").verdict is Verdict.OPENED
    later = small.take(a_mail(ANN.address), at=NOON + timedelta(hours=1, seconds=1))
    assert later.verdict is Verdict.OPENED


def test_what_the_mails_of_a_domain_take_in_the_store_is_limited(shop: Shop) -> None:
    small = limited(shop, domain_mib_per_hour=18, tickets_per_hour=1000)
    colleague = large(small, "bob@acme.example")
    first = [large(small, ANN.address) for _ in range(17)]

    # Few mails, but large ones: her domain is counted although nobody in it has written often.
    assert {each.verdict for each in (colleague, *first)} == {Verdict.OPENED}
    assert large(small, ANN.address).reason is Reason.DOMAIN_RATE
    assert large(small, "gil@globex.example").verdict is Verdict.OPENED


def test_what_the_automatic_mails_of_a_sender_take_in_the_store_is_limited(shop: Shop) -> None:
    small = limited(shop, sender_mib_per_hour=3)
    away = {"auto_submitted": "auto-replied"}

    assert [large(small, ANN.address, **away).verdict for _ in range(3)] == [Verdict.RECORDED] * 3
    assert large(small, ANN.address, **away).reason is Reason.SENDER_RATE
    # Anybody can make her machine answer: that costs her own mails nothing.
    assert small.take(a_mail(ANN.address)).verdict is Verdict.OPENED


def test_a_reply_over_the_rate_says_when_to_come_back(shop: Shop) -> None:
    budgets = default_policy().budgets.model_copy(update={"sender_mails_per_hour": 1})
    shop.policy = default_policy().model_copy(update={"budgets": budgets})
    shop.take(a_mail(ANN.address))

    second = shop.take(a_mail(ANN.address))

    assert second.reason is Reason.SENDER_RATE
    assert str(second.reply).startswith("451 4.7.1 ")


@pytest.mark.parametrize("mark", ["auto-replied", "auto-generated"])
def test_automatic_mail_of_strangers_who_have_a_reply_address_has_the_quota_of_its_network(
    small: Shop, mark: str
) -> None:
    number = opened(small.take(a_mail(ANN.address)))
    to = small.token(number, ANN.address)

    def folded(author: str) -> Reason:
        return take(small, a_mail(author, auto_submitted=mark), to=to).reason

    strangers = [folded(f"eve{n}@evil.example") for n in range(3)]
    assert strangers[2] is Reason.QUOTA
    assert Reason.QUOTA not in strangers[:2]
    assert folded(ANN.address) is not Reason.QUOTA


@pytest.mark.parametrize(
    "marks",
    [
        {"auto_submitted": "auto-generated"},
        {"subject": "Automatic reply: Printer"},
        {"subject": "Out of office: Printer"},
    ],
)
def test_folded_mails_of_one_sender_have_the_budget_of_their_mails(
    shop: Shop, marks: dict[str, Any]
) -> None:
    small = limited(shop, sender_mails_per_hour=3)
    number = opened(small.take(a_mail(ANN.address)))
    to = small.token(number, ANN.address)

    def folded(**when: Any) -> Reason:
        return take(small, a_mail(ANN.address, **marks), to=to, **when).reason

    assert [folded() for _ in range(3)] == [Reason.AUTOMATIC_FOLDED] * 2 + [Reason.SENDER_RATE]
    assert folded(at=NOON + timedelta(hours=1, seconds=1)) is Reason.AUTOMATIC_FOLDED


def test_a_guest_who_unsubscribes_again_and_again_has_the_quota_of_their_network(
    small: Shop,
) -> None:
    guest = "gil@elsewhere.example"
    cc = small.policy.cc.model_copy(update={"guests": "add"})
    small = replace(small, policy=small.policy.model_copy(update={"cc": cc}))
    number = opened(small.take(a_mail(ANN.address, cc=(guest,))))

    def unsubscribes(author: str) -> Reason:
        to = small.token(number, author)
        return take(small, a_mail(author, subject="#unsubscribe"), to=to).reason

    assert [unsubscribes(guest) for _ in range(3)] == [Reason.UNSUBSCRIBED] * 2 + [Reason.QUOTA]
    assert unsubscribes(ANN.address) is Reason.UNSUBSCRIBED


def test_a_registered_person_who_unsubscribes_again_and_again_has_the_budget_of_their_mails(
    shop: Shop,
) -> None:
    small = limited(shop, sender_mails_per_hour=3)
    number = opened(small.take(a_mail(ANN.address)))
    to = small.token(number, ANN.address)

    def unsubscribes(**when: Any) -> Reason:
        return take(small, a_mail(ANN.address, subject="#unsubscribe"), to=to, **when).reason

    assert [unsubscribes() for _ in range(3)] == [Reason.UNSUBSCRIBED] * 2 + [Reason.SENDER_RATE]
    assert unsubscribes(at=NOON + timedelta(hours=1, seconds=1)) is Reason.UNSUBSCRIBED


def test_colleagues_whom_nobody_knows_and_who_name_ids_of_others_have_the_quota_of_their_network(
    small: Shop,
) -> None:
    guest, known = "gil@elsewhere.example", "<theirs@elsewhere.example>"
    cc = small.policy.cc.model_copy(update={"guests": "add"})
    small = replace(small, policy=small.policy.model_copy(update={"cc": cc}))
    number = opened(small.take(a_mail(ANN.address, cc=(guest,))))
    small.take(a_mail(guest, message_id=known), to=small.token(number, guest))

    def flagged(author: str) -> Reason:
        return take(small, a_mail(author, in_reply_to=(known,))).reason

    invented = [flagged(f"new{n}@acme.example") for n in range(3)]
    assert invented == [Reason.FOREIGN_POINTER] * 2 + [Reason.QUOTA]


def test_automatic_mail_of_a_registered_person_has_the_budget_of_their_mails(shop: Shop) -> None:
    small = limited(shop, sender_mails_per_hour=3)
    number = opened(small.take(a_mail(ANN.address)))

    def absent(to: str = SUPPORT, **when: Any) -> Receipt:
        mail = a_mail(ANN.address, auto_submitted="auto-replied")
        return take(small, mail, to=to, mail_from="", **when)

    recorded = [absent(), absent(to=small.token(number, ANN.address))]
    third = absent()

    assert [receipt.verdict for receipt in recorded] == [Verdict.RECORDED] * 2
    assert third.reason is Reason.SENDER_RATE
    assert str(third.reply).startswith("451 4.7.1 ")
    assert absent(at=NOON + timedelta(hours=1, seconds=1)).verdict is Verdict.RECORDED


def test_what_a_persons_machine_answers_costs_their_own_mails_nothing(shop: Shop) -> None:
    """Anybody can make it answer."""
    small = limited(shop, sender_mails_per_hour=2)
    absent = [
        take(small, a_mail(ANN.address, auto_submitted="auto-replied"), mail_from="").verdict
        for _ in range(3)
    ]

    assert absent == [Verdict.RECORDED] * 2 + [Verdict.DEFERRED]
    assert [small.take(a_mail(ANN.address)).verdict for _ in range(2)] == [Verdict.OPENED] * 2


def test_forged_automatic_mail_costs_the_person_whom_it_names_nothing(shop: Shop) -> None:
    small = limited(shop, sender_mails_per_hour=2)

    def absent(proof: Authentication) -> Verdict:
        mail = a_mail(ANN.address, auto_submitted="auto-replied")
        return take(small, mail, proof=proof, mail_from="").verdict

    assert [absent(NOTHING) for _ in range(4)] == [Verdict.RECORDED] * 4
    assert [absent(PROVEN) for _ in range(2)] == [Verdict.RECORDED] * 2


@pytest.mark.parametrize("registration", ["user", "domain"])
def test_folded_mail_counts_against_the_budget_of_its_domain(shop: Shop, registration: str) -> None:
    """Else invented colleagues would each have a turn at the lines of a digest."""
    small = limited(shop, domain_mails_per_hour=4)
    small.policy = small.policy.model_copy(update={"registration": registration})
    number = opened(small.take(a_mail(ANN.address)))
    to = small.token(number, ANN.address)

    def folded(author: str) -> Reason:
        return take(small, a_mail(author, auto_submitted="auto-generated"), to=to).reason

    assert folded("eve@acme.evil.example") is not Reason.DOMAIN_RATE
    assert folded(ANN.address) is Reason.AUTOMATIC_FOLDED
    invented = [folded(f"new{n}@acme.example") for n in range(3)]
    assert invented == [Reason.AUTOMATIC_FOLDED] * 2 + [Reason.DOMAIN_RATE]
    assert folded("gil@globex.example") is not Reason.DOMAIN_RATE
    assert small.take(a_mail("bob@acme.example")).verdict is Verdict.OPENED


def test_automatic_mail_of_registered_people_counts_against_the_budget_of_their_domain(
    shop: Shop,
) -> None:
    small = limited(shop, domain_mails_per_hour=25)

    def absent(author: str) -> Receipt:
        return take(small, a_mail(author, auto_submitted="auto-replied"), mail_from="")

    recorded = [absent(author) for author in ["bob@acme.example"] * 5 + [ANN.address] * 20]

    assert {receipt.verdict for receipt in recorded} == {Verdict.RECORDED}
    assert absent(ANN.address).reason is Reason.DOMAIN_RATE
    # Bob is not busy yet, and Ann's own mail is no machine's.
    assert absent("bob@acme.example").verdict is Verdict.RECORDED
    assert small.take(a_mail(ANN.address)).verdict is Verdict.OPENED
