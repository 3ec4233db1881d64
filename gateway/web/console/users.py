"""Users of the console: their own sessions and password, and, for administrators, who they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from aiohttp import web

from gateway import log
from gateway.web.console import sessions
from gateway.web.console.context import PREFIX, Refused, Visit
from gateway.web.console.login import check_takes_passwords, fault_of, report_new_login
from gateway.web.console.registry_changes import NotAsked, if_shown
from gateway.web.console.sessions import SHORTEST_PASSWORD
from gateway.web.messages import CATALOGUES
from rules.mail.addresses import normalise
from rules.people import Role
from rules.service.console_roles import ConsoleRole, EntryUse
from storage.db.database import Connection
from storage.notices import console_logins
from storage.notices.console_logins import Change
from storage.registry import console_identities, console_users, lookup, people
from storage.registry.console_users import FRESH, ConsoleUser, ListedUser, NewLink, UserSession
from storage.registry.errors import AlreadyExists, InvalidValue, NotFound
from storage.registry.people import NewPerson

T = TypeVar("T")


async def own_page(visit: Visit) -> web.Response:
    return await _own_page(visit)


async def change_own(visit: Visit) -> web.Response:
    """Change one's own password or language, or end one's other sessions."""
    runtime, address = visit.runtime, visit.user.address
    match visit.form.get("do"):
        case "password":
            return await _change_password(visit)
        case "language" if visit.form.get("language", "") in ("", *CATALOGUES):
            language = visit.form.get("language", "")
            change = partial(console_users.set_language, address=address, language=language)
            await runtime.write(change)
            return visit.done("/me", "The language is changed.")
        case "sessions":
            end = partial(console_users.end_other_sessions, address=address, secret=visit.secret)
            ended = await runtime.write(end)
            return visit.done("/me", "{number} other sessions have ended.", number=ended)
        case _:
            raise Refused(422, "Please choose what is changed.")


async def _change_password(visit: Visit) -> web.Response:
    context, user, form = visit.context, visit.user, visit.form
    check_takes_passwords(context)
    if not context.attempts.of_session(user.address):
        raise Refused(429, "Too many attempts to log in. Please wait a minute and try again.")
    look_up = partial(console_users.password_hash, address=user.address)
    was = await visit.runtime.read(look_up)
    if was and not await sessions.is_password(context, user.address, form.get("present", "")):
        log.console_login_failed(user.address)
        return await _own_page(visit, "wrong", 422)
    if not was and not _is_fresh(visit):
        return await _own_page(visit, "stale", 403)
    password = form.get("password", "")
    if fault := fault_of(password, form.get("again", "")):
        return await _own_page(visit, fault, 422)
    network, new_id = sessions.network_of_request(visit.request), visit.runtime.new_id
    job = partial(
        console_logins.change_password,
        user=user,
        was=was,
        password=await sessions.hashed(context, password),
        secret=visit.secret,
        change=Change(new_id(), visit.now, network),
    )
    is_notified = await visit.runtime.write(job)
    if is_notified is None:
        raise Refused(409, "Your password was changed meanwhile. Please log in again.")
    report_new_login(visit.request, user.address, "password", is_notified=is_notified)
    return visit.done("/me", "Your password is changed, and your other sessions have ended.")


def _is_fresh(visit: Visit) -> bool:
    """Whether the user has proven lately who they are."""
    return visit.now - visit.logged_in_at <= FRESH


def _name(visit: Visit) -> str:
    """Of the identity provider; empty where there is none."""
    return visit.context.provider.name if visit.context.provider is not None else ""


async def _own_page(visit: Visit, fault: str = "", status: int = 200) -> web.Response:
    address, now, provider = visit.user.address, visit.now, visit.context.provider
    issuer = provider.issuer if provider is not None else ""

    def look(connection: Connection) -> tuple[list[UserSession], bool, datetime | None]:
        found = console_users.sessions_of(connection, address, visit.secret, now)
        has_password = bool(console_users.password_hash(connection, address))
        return list(found), has_password, console_identities.linked_at(connection, address, issuer)

    own, has_password, linked_at = await visit.runtime.read(look)
    return visit.page(
        "me.html",
        status,
        sessions=own,
        has_password=has_password,
        may_choose=has_password or _is_fresh(visit),
        by_password=visit.context.takes_passwords,
        provider=_name(visit),
        linked_at=linked_at,
        mailboxes=[each.address for each in await visit.mailboxes()],
        languages=sorted(CATALOGUES),
        shortest=SHORTEST_PASSWORD,
        fault=fault,
    )


async def listing(visit: Visit) -> web.Response:
    """All users of the console."""
    return await _listing(visit)


async def change_users(visit: Visit) -> web.Response:
    """Invite or remove a user, as `postern console` does."""
    typed = visit.form.get("address", "").strip().lower()
    address = normalise(typed) or typed  # as it is stored: one's own in any spelling is one's own
    role = next((each for each in ConsoleRole if each.value == visit.form.get("role")), None)
    match visit.form.get("do"):
        case "invite" if role is not None and address != visit.user.address:
            return await _invite(visit, address, role)
        case "remove" if address != visit.user.address:
            remove = partial(console_users.remove, address=address)
            try:
                await visit.write(_if_shown(visit, address, remove))
            except NotFound:
                return visit.done("/users", "Another person has removed this user already.")
            except NotAsked as outdated:
                return await _listing(visit, error=visit.say(str(outdated)), status=409)
            log.console_user_changed(address, "removed", visit.user.address)
            return visit.done("/users", "{address} no longer uses the console.", address=address)
        case "invite" | "remove" if address == visit.user.address:
            text = "Another administrator can change your own role, or remove you."
            return await _listing(visit, error=visit.say(text), status=422)
        case _:
            raise Refused(422, "Please choose what is changed.")


def _if_shown(
    visit: Visit, address: str, job: Callable[[Connection], T]
) -> Callable[[Connection], T]:
    """The job, which is done only while the user has the role that the page showed, or is none as
    it showed. Else it raises NotAsked."""
    listed = (line.partition(" ") for line in visit.form.get("was", "").splitlines())
    shown = {user: role for user, _, role in listed}

    def role(connection: Connection) -> str:
        user = console_users.user_named(connection, address)
        return user.role.value if user is not None else ""

    return if_shown(shown.get(address, ""), role, job)


async def _invite(visit: Visit, address: str, role: ConsoleRole) -> web.Response:
    secret = sessions.new_secret()
    # Where all log in with the provider, a link would be a way around it.
    link = NewLink(EntryUse.PASSWORD, secret) if visit.context.takes_passwords else None
    wanted = visit.form.get("staff", "")
    desk = next((each for each in await visit.mailboxes() if each.address == wanted), None)
    if wanted and desk is None:
        return await _listing(visit, error=visit.say("Please choose a mailbox."), status=422)
    person = NewPerson(address, "", Role.STAFF, None)

    def job(connection: Connection) -> tuple[ConsoleUser, bool]:
        """The user, and whether they were registered as staff with it."""
        user = console_users.invite(connection, address, role, visit.now, link)
        works_there = {each.address for each in lookup.staff(connection, desk)()} if desk else ()
        is_new = desk is not None and user.address not in works_there
        if desk is not None and is_new:
            people.add_person(connection, desk, person)
        return user, is_new

    try:
        invited, is_new = await visit.write(_if_shown(visit, address, job))
    except NotAsked as outdated:
        return await _listing(visit, error=visit.say(str(outdated)), status=409)
    except (InvalidValue, AlreadyExists) as refused:
        return await _listing(visit, error=refused.why.worded(visit.say), status=422)
    log.console_user_changed(invited.address, f"invited as {role.value}", visit.user.address)
    if desk is not None and is_new:
        log.registry_changed(desk.address, invited.address, "staff_added", visit.user.address)
    if link is None:
        return await _listing(visit, invited=invited.address)
    address = f"{visit.context.begins}{PREFIX}/enter/{secret}"
    return await _listing(visit, link=address, invited=invited.address)


async def _listing(
    visit: Visit, error: str = "", status: int = 200, link: str = "", invited: str = ""
) -> web.Response:
    def look(connection: Connection) -> list[tuple[ListedUser, Sequence[str]]]:
        listed = console_users.list_users(connection)
        theirs = console_users.mailboxes_of_each(connection, [each.user for each in listed])
        return [(each, [m.address for m in theirs[each.user.address]]) for each in listed]

    users = await visit.runtime.read(look)
    return visit.page(
        "users.html",
        status,
        users=users,
        was="\n".join(f"{each.user.address} {each.user.role.value}" for each, _ in users),
        sees_all=(ConsoleRole.OPERATOR, ConsoleRole.ADMIN),
        mailboxes=[each.address for each in await visit.mailboxes()],
        form=visit.form if error else {},
        roles=[each.value for each in ConsoleRole],
        link=link,
        invited=invited,
        provider=_name(visit),
        makes_links=visit.context.takes_passwords,
        error=error,
    )
