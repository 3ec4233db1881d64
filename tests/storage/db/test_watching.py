"""A follower reads only after somebody has committed."""

from __future__ import annotations

from storage.db.watching import watched
from tests.rules.building import ANN, a_mail
from tests.storage.shop import Shop


def test_a_commit_is_noticed_once_and_a_read_is_none(shop: Shop) -> None:
    with watched(shop.database) as has_changed:
        shop.take(a_mail(ANN.address))
        after_a_mail = has_changed(), has_changed()
        shop.database.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM journal").scalar())

        assert after_a_mail == (True, False)
        assert not has_changed()
