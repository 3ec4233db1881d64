"""`postern suppression`: addresses whose mail bounces."""

from __future__ import annotations

import os
import re

from gateway import clock
from storage.notices import suppression
from tests.gateway.cli.planned import ANN, PLANNED, Planned


def test_an_address_that_bounces_is_listed_and_removed(planned: Planned) -> None:
    ours = planned.mailbox().id
    for _ in range(2):
        planned.write(
            lambda c: suppression.record_hard_failure(c, ours, ANN, "550 no such user", clock.now())
        )

    listed = planned.run("suppression", "list", "--mailbox", PLANNED).out
    assert re.search(rf"suppressed\s+2 failed  {ANN}  550 no such user", listed)

    assert planned.run("suppression", "remove", ANN.upper(), "--mailbox", PLANNED).code == 0
    assert planned.run("suppression", "list", "--mailbox", PLANNED).out == ""


def test_an_address_that_does_not_bounce_cannot_be_removed(planned: Planned) -> None:
    done = planned.run("suppression", "remove", ANN, "--mailbox", PLANNED)

    assert (done.code, "`postern suppression list`" in done.err) == (os.EX_DATAERR, True)
