"""The names of files in notices: the first of each comment, in their order."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from rules.mail.extent import FILES_NAMED
from storage.db.tables import AttachmentRow, table
from storage.notices import attached
from storage.notices.attached import attached_to
from tests.rules.building import NOON, a_mail
from tests.storage.notices.test_more import write_comments
from tests.storage.shop import Shop, opened


@pytest.mark.parametrize("many", [1, 3, 20])
def test_the_first_files_of_each_comment_are_named_and_the_others_counted(
    shop: Shop, many: int
) -> None:
    number = opened(shop.take(a_mail()))
    comments = write_comments(shop, number, many, NOON)
    files = FILES_NAMED + 3
    row: dict[str, Any] = {"mailbox_id": shop.mailbox.id, "part": "1", "content_type": "x/y"}
    row |= {"size_bytes": 1, "content_id": "", "inline": False}
    rows = [row | {"comment_id": c, "name": f"{n}.txt"} for n in range(files) for c in comments]
    shop.write(lambda c: c.execute(insert(table(AttachmentRow)), rows).rowcount)

    found = shop.database.read(lambda c: attached_to(c, [*comments, *comments, 10**9]))

    first = tuple(f"{n}.txt" for n in range(FILES_NAMED))
    named = {comment: (files.names, files.left_out) for comment, files in found.items()}
    assert named == dict.fromkeys(comments, (first, 3))


def test_the_files_of_a_comment_are_neither_sorted_nor_read_beyond_the_first(shop: Shop) -> None:
    """A claim names them while all other writers wait, and a mail may have thousands."""
    if not shop.database.is_sqlite:
        pytest.skip("the plan of SQLite")
    plan = shop.database.read(lambda c: attached._NAMES(1).plan(c))
    read = [step for step in plan if "attachment" in step]
    assert read
    assert all("USING" in step and "INDEX" in step for step in read), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan
