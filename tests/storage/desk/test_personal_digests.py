"""The digest of one staff person: hourly for who prefers it, by `#digest` for everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from rules.decision.considered import Attempt
from rules.decision.reasons import Reason
from rules.people import StaffNotices
from rules.sender.tokens import Purpose
from rules.service.personal_digests import has_news, lines
from rules.ticket.changes import Assign, Assignee, Snooze
from rules.ticket.notices import NoticeKind
from rules.ticket.personal_digest import COUNTED, LISTED, PersonalDigest, WaitingTicket
from storage.db.tables import NoticeRow, table
from storage.desk.personal_digests import order_personal_digest, readers
from storage.mail.filing import file
from storage.notices.outbox import give_up
from storage.registry.mailboxes import set_mailbox_active
from storage.registry.people import set_notices
from storage.ticket.personal_digest import personal_digest
from tests.rules.building import ANN, NOON, SAM, a_mail, policy_with
from tests.storage.shop import Shop, opened

_notice = table(NoticeRow)
SOON = NOON + timedelta(minutes=5)


def prefer(shop: Shop, notices: StaffNotices) -> None:
    shop.write(lambda c: set_notices(c, shop.mailbox, SAM.address, notices))


def sent(shop: Shop, kind: NoticeKind) -> list[str]:
    return [n.address for n in shop.notices() if n.kind == kind]


def ordered(shop: Shop, at: datetime) -> int:
    def job(c: Connection) -> int:
        known = {"default": shop.policy}
        return sum(order_personal_digest(c, r, known, at, shop.new_id) for r in readers(c))

    return shop.write(job)


def test_who_prefers_digests_gets_one_an_hour_while_anything_is_new(shop: Shop) -> None:
    prefer(shop, StaffNotices.DIGEST)
    number = opened(shop.take(a_mail()))

    assert sent(shop, NoticeKind.NEW_TICKET) == []
    assert [ordered(shop, SOON), ordered(shop, SOON)] == [1, 0]
    assert ordered(shop, SOON + timedelta(hours=2)) == 0
    shop.change(number, Assign("sam"), context=shop.context(SOON + timedelta(hours=3)))
    assert ordered(shop, SOON + timedelta(hours=4)) == 1
    assert sent(shop, NoticeKind.MY_DIGEST) == [SAM.address] * 2


def test_a_request_that_was_held_is_new_when_it_is_filed(shop: Shop) -> None:
    """Who registers has their earlier mails filed, and no mail tells readers of digests."""
    prefer(shop, StaffNotices.DIGEST)
    filed_at = NOON + timedelta(days=2)
    waited = replace(shop.entry(a_mail()), attempt=Attempt(filed_at, came_at=NOON))
    shop.write(lambda c: file(c, [waited]))

    assert ordered(shop, filed_at + timedelta(minutes=5)) == 1


def test_a_note_is_news_whoever_wrote_it(shop: Shop) -> None:
    """Feedback by mail is one: nothing else tells who prefers digests of it."""
    prefer(shop, StaffNotices.DIGEST)
    number = opened(shop.take(a_mail()))
    assert ordered(shop, SOON) == 1

    to = shop.token(number, ANN.address, Purpose.FEEDBACK)
    receipt = shop.take(a_mail(text="It took too long."), to=to, at=NOON + timedelta(hours=2))

    assert receipt.reason is Reason.FEEDBACK
    assert sent(shop, NoticeKind.NEW_COMMENT) == []
    assert ordered(shop, NOON + timedelta(hours=3)) == 1


def test_a_note_on_a_snoozed_ticket_is_news(shop: Shop) -> None:
    """It does not wake the ticket, and no other mail tells who prefers digests of it."""
    prefer(shop, StaffNotices.DIGEST)
    number = opened(shop.take(a_mail()))
    shop.change(number, Snooze("3d"))
    ordered(shop, SOON)
    assert ordered(shop, SOON + timedelta(hours=1)) == 0

    to = shop.token(number, ANN.address, Purpose.FEEDBACK)
    shop.take(a_mail(text="It took too long."), to=to, at=SOON + timedelta(hours=2))

    assert ordered(shop, NOON + timedelta(hours=3)) == 1


def test_one_that_is_refused_is_made_again_without_subjects(shop: Shop) -> None:
    """Else one subject would keep its reader from all that changes while its ticket is open."""
    prefer(shop, StaffNotices.DIGEST)
    number = opened(shop.take(a_mail(subject="what every filter knows")))
    assert ordered(shop, SOON) == 1
    (digest,) = (n for n in shop.notices() if n.kind == NoticeKind.MY_DIGEST)
    shop.write(lambda c: give_up(c, digest.id, "554 5.7.1 spam", hard=False, now=SOON))

    assert ordered(shop, SOON + timedelta(hours=1)) == 1
    assert ordered(shop, SOON + timedelta(hours=2)) == 0

    detail = select(_notice.c.detail).where(
        _notice.c.kind == NoticeKind.MY_DIGEST.value, _notice.c.id != digest.id
    )
    shown = shop.database.read(lambda c: str(c.execute(detail).scalar()))
    assert f'["ticket", "{number}"]' in shown.replace("\\", "")
    assert "filter knows" not in shown


def test_nobody_else_gets_one(shop: Shop) -> None:
    opened(shop.take(a_mail()))
    prefer(shop, StaffNotices.MINE)

    assert ordered(shop, SOON) == 0


def test_it_lists_what_is_theirs_and_nobodys_without_what_is_snoozed(shop: Shop) -> None:
    mine, nobodys, asleep = (opened(shop.take(a_mail())) for _ in range(3))
    shop.change(mine, Assign("sam"))
    shop.change(asleep, Snooze("3d"))

    found = shop.database.read(
        lambda c: personal_digest(c, shop.mailbox, SAM.address, SOON, NOON - timedelta(hours=1))
    )

    assert [t.number for t in found.assigned] == [mine]
    assert [t.number for t in found.unassigned] == [nobodys]
    assert [t.number for t in found.changed] == [nobodys]
    assert [t.number for t in found.received] == [mine]


def test_it_names_what_was_assigned_to_them_and_what_was_taken_from_them(shop: Shop) -> None:
    taken, unchanged, received = (opened(shop.take(a_mail())) for _ in range(3))
    for number in (taken, unchanged):
        shop.change(number, Assign("sam"))
    later = shop.context(SOON + timedelta(hours=2))
    for number, to in ((taken, Assignee.NOBODY), (unchanged, "sam"), (received, "sam")):
        shop.change(number, Assign(to), context=later)

    found = shop.database.read(
        lambda c: personal_digest(c, shop.mailbox, SAM.address, later.now, SOON)
    )
    shown = [str(line) for line in lines(found)]

    assert f"No longer assigned to you: #{taken} Printer, open" in shown
    assert f"Assigned to you: #{received} Printer, open" in shown
    assert f"Assigned to you: #{unchanged} Printer, open" not in shown
    assert has_news(replace(found, changed=()))


def test_a_staff_person_who_asks_gets_it_in_a_receipt(shop: Shop) -> None:
    number = opened(shop.take(a_mail()))

    shop.take(a_mail(SAM.address, text="#digest"), to=shop.token(number, SAM.address))

    assert sent(shop, NoticeKind.RECEIPT) == [SAM.address]


def test_a_customer_who_asks_gets_what_was_withheld_once(shop: Shop) -> None:
    shop.policy = policy_with("budgets", notices_per_hour=1)
    number = opened(shop.take(a_mail()))
    to = shop.token(number, ANN.address)

    first = shop.take(a_mail(text="#digest\n\nThanks, Ann"), to=to)
    again = shop.take(a_mail(text="#Übersicht"), to=to)

    assert (first.reason, again.reason) == (Reason.DIGEST_ASKED, Reason.DIGEST_ASKED)
    assert sent(shop, NoticeKind.MORE) == [ANN.address]
    words = shop.take(a_mail(text="#digest\n\nIt is still broken."), to=to)
    assert words.reason is Reason.REPLY_TOKEN


def test_of_a_long_list_the_number_of_the_others_is_given() -> None:
    def others(number: int) -> str:
        tickets = [WaitingTicket(each, "Printer", "open", NOON) for each in range(number)]
        _, last = map(str, lines(PersonalDigest(changed=tuple(tickets)))[LISTED - 1 :])
        return last

    assert others(LISTED + 3) == "… and 3 more, which `postern tickets` and the API list"
    assert others(COUNTED + 1).startswith(f"… and more than {COUNTED - LISTED} others")


def test_a_reader_of_digests_gets_them_of_a_mailbox_that_takes_no_mail(shop: Shop) -> None:
    """Its tickets change still, and no single notice tells them."""
    prefer(shop, StaffNotices.DIGEST)
    opened(shop.take(a_mail()))
    shop.write(lambda c: set_mailbox_active(c, shop.mailbox.address, active=False))

    assert ordered(shop, SOON) == 1
