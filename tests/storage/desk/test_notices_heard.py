"""Whatever keeps a notice from its reader, somebody hears of it: every kind in every way."""

from __future__ import annotations

from pathlib import Path

from rules.ticket.notices import NoticeKind
from storage.notices.outbox import WITHDRAWN
from tests.storage.desk.heard import BEGINS, ENDS, HEARD, heard_of, table_of_notices
from tests.storage.desk.unreached import AT_THE_RELAY, Unreached, Way, may_befall
from tests.storage.shop import Shop

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
LOGGED = {"sent", "sent_with_less", "send_dropped", "send_failed", "send_delayed"}


def test_no_way_of_the_store_is_forgotten() -> None:
    assert set(WITHDRAWN) < {way.value for way in Way}
    assert set(HEARD) == set(Way)


def test_the_page_has_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    here = page[page.index(BEGINS) : page.index(ENDS) + len(ENDS)]

    assert here == table_of_notices()


async def test_somebody_hears_of_every_kind_in_every_way(shop: Shop) -> None:
    unreached = Unreached(shop)

    found = await unreached.run()

    for way in Way:
        kinds = [kind for kind in NoticeKind if may_befall(way, kind)]
        assert found[way] == {kind: heard_of(way, kind) for kind in kinds}, way
    apart = (Way.WITHHELD, *AT_THE_RELAY)
    queued = {str(n) for (way, _), n in unreached.notices.items() if way not in apart}
    assert queued <= {e["notice"] for e in unreached.logged if e["event"] in LOGGED}
