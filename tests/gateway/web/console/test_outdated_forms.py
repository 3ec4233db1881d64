"""A form is for what its page showed: if it would do something else now, nothing is done, and the
page shows what is so now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from sqlalchemy import update

from gateway import clock
from gateway.web.console.ticket_forms import GUARDED, PUBLISHING, REQUESTS
from rules.mail import Delivery, Envelope
from rules.people import ParticipantKind, Presence, Role
from rules.sender.tokens import message_id
from rules.service.console_roles import ConsoleRole
from rules.service.participants import Addition
from rules.ticket.changes import AddTag, Change, SettlePerson, Source
from storage.db.tables import MailboxRow, table
from storage.mail import quarantine
from storage.registry import companies, console_users, directory, people
from storage.registry.companies import Contract
from storage.registry.directory import ListedPerson
from storage.ticket.change import change_ticket
from storage.ticket.rows import ChangeContext, add_participants
from tests.gateway.web.console.desk import Desk
from tests.gateway.web.link_pages import ANN, EVE, SAM, SUPPORT, open_ticket
from tests.gateway.web.shown_forms import filled_in
from tests.in_process import a_mail

ONE = "/console/tickets/1"
TOM = "tom@help.example"
BEN = "ben@globex.example"
AT = datetime(2026, 1, 1, tzinfo=UTC)

ANSWERS = MappingProxyType(
    {
        "/console/held/{id}": "a release onto another ticket",
        "/console/tickets/{number}": "the severity of a ticket",
        "/console/tickets/{number}/deletion": "a deletion",
        "/console/people/{number}": "the language of a person",
        "/console/companies/{number}": "a contract",
        "/console/users": "the role of a user",
        "/held/{mailbox_id}/{token}": "test_held_page.py",
        "/folded/{mailbox_id}/{token}": "test_folded_page.py",
        "/people/{mailbox_id}/{token}": "test_links.py",
        "/feedback/{mailbox_id}/{token}": "test_links.py",
        # What these do is the same whatever has changed since their page was opened.
        "/reopen/{mailbox_id}/{token}": "names its ticket, and reopens none that was merged",
        "/unsubscribe/{mailbox_id}/{token}": "one click of a mail program, which opens no page",
        "/files/{mailbox_id}/{token}": "one file, which does not change",
        "/signup": "asks for a link",
        "/signup/{mailbox_id}/{token}": "the address that the link was mailed to",
        "/console/login": "shows nothing before",
        "/console/enter/{secret}": "the user that the link is for",
        "/console/logout": "the user's own session",
        "/console/me": "the user's own password, which it names, language and sessions",
        "/console/proposed": "names ticket and person; who was decided on is refused",
        "/console/outbox": "names mails, of which those are tried that may be",
        "/console/people": "only adds",
        "/console/mailboxes": "only adds",
        "/console/try": "changes nothing",
        "/console/backtest": "changes nothing",
    }
)
"""Every path that a form is posted to, with what shows that it is for what its page showed, or why
it need not be."""


def test_every_form_of_a_ticket_replaces_publishes_or_only_adds() -> None:
    only_adds = {"note", "tag", "untag", "add", "approve", "decline", "follow", "unfollow"}
    assert set(REQUESTS) == GUARDED | PUBLISHING | only_adds
    assert not only_adds & (GUARDED | PUBLISHING)


@dataclass(frozen=True)
class Scene:
    form: Mapping[str, str]
    """What is entered."""
    meanwhile: Callable[[Desk], Awaitable[object]]
    says: str
    page: str | Callable[[Desk], Awaitable[str]] = ONE
    to: str = ""
    """Where it is sent, if not to the page."""


async def held_on_the_ticket(desk: Desk) -> str:
    """A mail of Ann's to a list that answers a mail of ours: staff decide whether it is filed."""
    site = desk.site
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    answered = message_id(keys, site.mailbox.id, site.ticket, clock.new_id(), "help.example")
    marks = {"In_Reply_To": answered, "List_Id": "<team.lists.example>"}
    raw = a_mail(ANN, "Re: It", **marks).replace(SUPPORT.encode(), b"team@lists.example", 1)
    await site.services.ingest.take(
        Delivery(Envelope("127.0.0.1", "", False, ANN, (SUPPORT,)), raw)
    )
    (mail,) = await site.write(quarantine.held_mails)
    return f"/console/held/{mail.journal_id}"


async def held_of_two(desk: Desk) -> str:
    """A mail from two authors that answers a mail of ours."""
    site = desk.site
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    answered = message_id(keys, site.mailbox.id, site.ticket, clock.new_id(), "help.example")
    raw = a_mail(f"{ANN}, {EVE}", "Re: It", "From us both.", In_Reply_To=answered)
    envelope = Envelope("127.0.0.1", "", False, ANN, (SUPPORT,), strangers="hold")
    (reply,) = await site.services.ingest.take(Delivery(envelope, raw))
    assert reply.accepted
    (mail,) = [each for each in await site.write(quarantine.held_mails) if not each.author]
    return f"/console/held/{mail.journal_id}"


async def nothing(_: Desk) -> None:
    """The form itself says more than the page took into account."""


async def merged(desk: Desk) -> None:
    goal = await desk.site.write(partial(open_ticket, mailbox=desk.site.mailbox, subject="Leaks"))
    await desk.site.set_ticket(merged_into=goal, status="closed")


async def a_draft(desk: Desk) -> str:
    """Eve, who waits for approval, answers a mail of ours: staff publish it or not."""
    site = desk.site
    keys = (await site.services.runtime.mailbox_cache.current()).keys
    answered = message_id(keys, site.mailbox.id, site.ticket, clock.new_id(), "help.example")
    raw = a_mail(EVE, "Re: It", "For Ann.", In_Reply_To=answered)
    await site.services.ingest.take(
        Delivery(Envelope("127.0.0.1", "", False, EVE, (SUPPORT,)), raw)
    )
    return ONE


async def merged_with_others(desk: Desk) -> None:
    """Into a ticket with somebody of another company."""
    site = desk.site
    goal = await site.write(partial(open_ticket, mailbox=site.mailbox, subject="Taps"))
    by = ChangeContext(site.mailbox, SAM, Source.CONSOLE, clock.now(), clock.new_id)
    other = (Addition(BEN, None, ParticipantKind.GUEST, Presence.ACTIVE),)
    await site.write(partial(add_participants, context=by, ticket=goal, additions=other))
    await site.set_ticket(merged_into=goal, status="closed")


async def open_again(desk: Desk) -> None:
    await desk.site.set_ticket(merged_into=None, status="open", deleted_at=None)


def changed(*changes: Change) -> Callable[[Desk], Awaitable[object]]:
    """Another staff person changes the ticket."""

    async def change(desk: Desk) -> None:
        site = desk.site
        by = ChangeContext(site.mailbox, TOM, Source.CONSOLE, clock.now(), clock.new_id)
        policy = site.services.runtime.policies[site.mailbox.policy]
        await site.write(lambda c: change_ticket(c, by, 1, changes, policy, by_staff=True))

    return change


def wrote(job: Callable[..., object], **values: object) -> Callable[[Desk], Awaitable[object]]:
    """Another operator changes the registry."""
    return lambda desk: desk.site.write(partial(job, mailbox=desk.site.mailbox, **values))


def gave(role: ConsoleRole) -> Callable[[Desk], Awaitable[object]]:
    """Another administrator gives Tom a role."""
    job = partial(console_users.invite, address=TOM, role=role, now=clock.now())
    return lambda desk: desk.site.write(job)


async def ann(desk: Desk) -> ListedPerson:
    find = partial(directory.find_people, mailboxes=[desk.site.mailbox.id], text=ANN, limit=1)
    (found,) = await desk.site.write(find)
    return found


async def anns_page(desk: Desk) -> str:
    return f"/console/people/{(await ann(desk)).id}"


async def page_of_acme(desk: Desk) -> str:
    return f"/console/companies/{(await ann(desk)).company_id}"


async def users(desk: Desk) -> str:
    await gave(ConsoleRole.AGENT)(desk)
    return "/console/users"


HAS_CHANGED = "this has changed since you opened the page"
SCENES = MappingProxyType(
    {
        "a deletion": Scene(
            {"do": "delete", "why": "a test"},
            changed(AddTag("paper")),
            "the ticket has changed",
            to=f"{ONE}/deletion",
        ),
        "the severity of a ticket": Scene(
            {"do": "severity", "level": "High", "why": "they wait"},
            changed(AddTag("ink")),
            "the ticket has changed",
        ),
        "the readers of a comment on a merged ticket": Scene(
            {"do": "publish"},
            merged_with_others,
            f"where {BEN} would read it as well",
            a_draft,
        ),
        "the readers of a reply": Scene(
            {"do": "reply", "text": "Your password is new."},
            changed(SettlePerson(EVE, accept=True)),
            f"{EVE} would read it as well",
        ),
        "a release onto another ticket": Scene(
            {"do": "release"},
            merged,
            "Then everybody on #1 would have read it. If you release it, everybody on #3 reads it.",
            held_on_the_ticket,
        ),
        "the author of a held mail": Scene(
            {"do": "release", "author": ANN},
            nothing,
            "Then that depended on the author, who was not named yet. If you release it, "
            "everybody on #1 reads it.",
            held_of_two,
        ),
        "a mail that is deleted": Scene(
            {"do": "discard"},
            merged,
            "what becomes of the mail has changed",
            held_on_the_ticket,
        ),
        "the language of a person": Scene(
            {"do": "language", "language": "en"},
            wrote(people.set_language, role=Role.USER, address=ANN, language="de"),
            HAS_CHANGED,
            anns_page,
        ),
        "a contract": Scene(
            {"do": "tier", "tier": "business"},
            wrote(companies.add_contract, name="Acme", contract=Contract("basic", AT, {})),
            HAS_CHANGED,
            page_of_acme,
        ),
        "a contact": Scene(
            {"do": "contacts", "team": TOM, "manager": "", "channel": ""},
            wrote(companies.set_account_team, name="Acme", addresses=[SAM]),
            HAS_CHANGED,
            page_of_acme,
        ),
        "the role of a user": Scene(
            {"do": "invite", "address": TOM, "role": "operator", "staff": ""},
            gave(ConsoleRole.VIEWER),
            HAS_CHANGED,
            users,
        ),
        "a user who is removed": Scene(
            {"do": "remove", "address": TOM}, gave(ConsoleRole.ADMIN), HAS_CHANGED, users
        ),
        "a user who was removed": Scene(
            {"do": "invite", "address": TOM, "role": "operator", "staff": ""},
            lambda desk: desk.site.write(partial(console_users.remove, address=TOM)),
            HAS_CHANGED,
            users,
        ),
    }
)


async def test_a_form_whose_page_is_outdated_does_nothing_and_shows_what_is_so_now(
    desk: Desk,
) -> None:
    app = desk.site.client.app
    assert app is not None
    posts = {
        each.resource.canonical
        for each in app.router.routes()
        if each.method == "POST" and each.resource is not None
    }
    assert {path for path in posts if not path.startswith("/api/")} == set(ANSWERS)
    aiven = update(table(MailboxRow)).values(policy="aiven")
    await desk.site.write(lambda c: c.execute(aiven))
    browser = await desk.logged_in(ConsoleRole.ADMIN)

    outcomes = {}
    for name, scene in SCENES.items():
        path = scene.page if isinstance(scene.page, str) else await scene.page(desk)
        _, page = await browser.get(path)
        await scene.meanwhile(desk)
        status, shown = await browser.post(
            scene.to or path, **filled_in(page, scene.form, scene.to)
        )
        refused = (status in (409, 422), scene.says in shown)
        again, _ = await browser.post(scene.to or path, **filled_in(shown, scene.form, scene.to))
        outcomes[name] = (*refused, again in (200, 303))
        await open_again(desk)

    assert outcomes == dict.fromkeys(SCENES, (True, True, True))
