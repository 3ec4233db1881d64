"""The access of a caller is that on the ticket as it is when it is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway import clock
from gateway.clock import new_id
from rules.policy import Policy
from rules.ticket.changes import RemovePerson, Source
from storage.db.database import Connection
from storage.registry.mailboxes import mailbox_named
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext
from tests.gateway.web.api.site import ANN, BOB, SAM, Site, enrolled, serving
from tests.in_process import SUPPORT
from tests.stores import PostgresStores


@dataclass
class Meanwhile(Mapping[str, Policy]):
    """Policies; once armed, something else happens before one is read, as if on another node."""

    policies: Mapping[str, Policy]
    happens: Callable[[], object] | None = None

    def __getitem__(self, name: str) -> Policy:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return self.policies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.policies)

    def __len__(self) -> int:
        return len(self.policies)


async def test_who_is_removed_after_the_look_at_their_access_writes_nothing(
    postgres_stores: PostgresStores, tmp_path: Path
) -> None:
    found: list[Meanwhile] = []

    def watched(policies: Mapping[str, Policy]) -> Mapping[str, Policy]:
        found.append(Meanwhile(policies))
        return found[-1]

    async with serving(enrolled(postgres_stores.new()), tmp_path, policies=watched) as site:
        number = await site.open(ANN)
        await site.effects(number, add=[BOB])
        (policies,) = found
        policies.happens = partial(remove, site, number)

        status, _ = await site.change(number, BOB, comment={"text": "I know your password."})

        view = await site.ticket_view(number)
    assert (status, [each.text for each in view.comments]) == (404, ["It is stuck."])


def remove(site: Site, number: int) -> None:
    """Bob, in a transaction of its own."""
    runtime = site.postern.services.runtime

    def job(connection: Connection) -> object:
        mailbox = mailbox_named(connection, SUPPORT)
        context = ChangeContext(mailbox, SAM, Source.API, clock.now(), new_id)
        policy = runtime.policy_of(mailbox)
        return change_ticket(
            connection, context, number, [RemovePerson(BOB)], policy, by_staff=True
        )

    runtime.ledger.submit(job, apart=True).result(20)
