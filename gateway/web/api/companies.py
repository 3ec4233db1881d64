"""Companies over the API: listed for staff and reports, registered and changed by a directory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web

from gateway import log
from gateway.organizations import SharedOrganization, shared_organizations
from gateway.registry_requests import CompanyPatch, NewCompany, NewContract
from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller
from gateway.web.api.auth import ApiError
from gateway.web.api.operations import JsonAnswer, JsonBody, Operation
from gateway.web.api.queries import MailboxQuery, Query, RegistryQuery
from gateway.web.api.registry import READERS, WRITERS, Changed, RegistryJob, changed, made
from gateway.web.api.registry_answers import CompaniesAnswer, CompanyAgreementAnswer, CompanyAnswer
from gateway.web.api.request_parsing import body_of
from rules.mail import Mailbox
from rules.service.contracts import ContractFault, agreed_targets
from storage.db.database import Connection, store_down
from storage.registry import companies, directory
from storage.registry.checks import valid_domain
from storage.registry.companies import CompanyAgreement, Contract
from storage.registry.directory import ListedCompany
from storage.registry.errors import InvalidValue

PATH = "/api/v1/companies"
ONE = f"{PATH}/{{company}}"


class _CompanyInSight(NamedTuple):
    """A company with what is agreed, as somebody sees it."""

    mailbox: Mailbox
    company: ListedCompany
    agreement: CompanyAgreement
    mailboxes: Collection[int]
    """Those whose companies they may read."""

    def shared(self, connection: Connection) -> list[SharedOrganization]:
        return shared_organizations(connection, self.company.id, self.mailboxes)


async def _list(request: web.Request, caller: Caller, query: RegistryQuery) -> web.Response:
    def read_page(connection: Connection, mailbox: Mailbox) -> CompaniesAnswer:
        limit = query.limit
        found = directory.find_companies(
            connection, [mailbox.id], query.text, limit + 1, query.after
        )
        return {
            "companies": [_as_json(each, mailbox) for each in found[:limit]],
            "after": found[limit - 1].name if len(found) > limit else None,
        }

    return await access.of_mailbox(request, caller, query.mailbox, read_page)


async def _read(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context = request.app[CONTEXT]

    def read_one(connection: Connection) -> CompanyAgreementAnswer:
        seen = _mailboxes(connection, request, caller)
        found = _CompanyInSight(*_found(connection, request, seen), seen)
        return _in_full(found, found.shared(connection))

    return web.json_response(await context.runtime.read(read_one))


async def _register(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    new, now = await body_of(request, NewCompany), context.runtime.clock()

    def job(connection: Connection) -> Changed[_CompanyInSight]:
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        number = companies.add_company(connection, mailbox, new.name, new.domains)
        added = directory.company(connection, [mailbox.id], number)
        assert added is not None
        seen = _mailboxes(connection, request, caller)
        return _changed(_CompanyInSight(mailbox, *added, seen), ["company_added"])

    answer = await _answer(request, await changed(context, caller, job))
    headers = {"Location": f"{PATH}/{answer['id']}"}
    return web.json_response(answer, status=201, headers=headers)


async def _change(request: web.Request, caller: Caller, _: Query) -> web.Response:
    patch = await body_of(request, CompanyPatch)

    def job(connection: Connection) -> Changed[_CompanyInSight]:
        seen = _mailboxes(connection, request, caller)
        mailbox, _, known = _found(connection, request, seen)
        names = made(connection, _changes(mailbox, known, patch))
        return _changed(_CompanyInSight(*_found(connection, request, seen), seen), names)

    done = await changed(request.app[CONTEXT], caller, job)
    return web.json_response(await _answer(request, done))


async def _agree(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context = request.app[CONTEXT]
    asked, now = await body_of(request, NewContract), context.runtime.clock()
    wanted = {"first": asked.first, "ongoing": asked.ongoing}

    def job(connection: Connection) -> Changed[_CompanyInSight]:
        seen = _mailboxes(connection, request, caller)
        mailbox, _, known = _found(connection, request, seen)
        policy = context.runtime.policy_of(mailbox)
        targets = agreed_targets(wanted, asked.tier, asked.calendar, policy)
        if isinstance(targets, ContractFault):
            raise ApiError(409, str(targets.why))
        contract = Contract(asked.tier, asked.starts_at or now, targets, asked.calendar)
        companies.add_contract(connection, mailbox, known.name, contract)
        found = _CompanyInSight(*_found(connection, request, seen), seen)
        return _changed(found, [f"tier {asked.tier}"])

    return web.json_response(await _answer(request, await changed(context, caller, job)))


def _changes(
    mailbox: Mailbox, known: CompanyAgreement, patch: CompanyPatch
) -> Iterator[RegistryJob]:
    """Those that are not in effect already. Raises InvalidValue."""
    of: dict[str, Any] = {"mailbox": mailbox, "name": known.name}
    if patch.active is not None and patch.active != known.active:
        name = "activate" if patch.active else "suspend"
        activate = partial(companies.set_company_active, active=patch.active)
        yield RegistryJob(name, partial(activate, **of))
    removed = dict.fromkeys(map(valid_domain, patch.remove_domains))
    for domain in removed:
        if domain in known.domains:
            remove = partial(companies.remove_domains, domains=[domain])
            yield RegistryJob(f"remove_domain {domain}", partial(remove, **of))
    for domain in dict.fromkeys(map(valid_domain, patch.add_domains)):
        if domain in removed:
            text = "{domain} is in add_domains and in remove_domains"
            raise InvalidValue(text, domain=domain)
        if domain not in known.domains:
            add = partial(companies.add_domains, domains=[domain])
            yield RegistryJob(f"add_domain {domain}", partial(add, **of))
    if patch.account_team is not None and patch.account_team != known.account_team:
        team = partial(companies.set_account_team, addresses=patch.account_team)
        yield RegistryJob("account_team", partial(team, **of))
    if patch.success_manager is not None and patch.success_manager != known.success_manager:
        manager = partial(companies.set_success_manager, address=patch.success_manager)
        yield RegistryJob("success_manager", partial(manager, **of))
    if patch.channel is not None and patch.channel != known.channel:
        channel = partial(companies.set_channel, channel=patch.channel)
        yield RegistryJob("channel", partial(channel, **of))
    if patch.visibility is not None and patch.visibility != known.visibility:
        visibility = partial(companies.set_visibility, visibility=patch.visibility)
        name = f"visibility {patch.visibility}".strip()
        yield RegistryJob(name, partial(visibility, **of))
    if patch.updates_by is not None and patch.updates_by != known.updates_by:
        updates = partial(companies.set_updates_by, updates_by=patch.updates_by)
        yield RegistryJob(f"updates_by {patch.updates_by}".strip(), partial(updates, **of))


def _mailboxes(
    connection: Connection, request: web.Request, caller: Caller
) -> Mapping[int, Mailbox]:
    """Those whose companies the caller may read, by their ids. Raises ApiError."""
    now = request.app[CONTEXT].runtime.clock()
    roles = access.mailbox_roles(connection, caller, now)
    return {role.mailbox.id: role.mailbox for role in roles}


def _found(
    connection: Connection, request: web.Request, seen: Mapping[int, Mailbox]
) -> tuple[Mailbox, ListedCompany, CompanyAgreement]:
    """The company that the path names, with its mailbox, one of those that are seen. Raises
    ApiError, for one of another desk as well."""
    wanted = int(request.match_info["company"])
    found = directory.company(connection, seen, wanted)
    if found is None:
        raise ApiError(404, f"there is no company {wanted}")
    company, agreement = found
    return seen[company.mailbox_id], company, agreement


def _changed(seen: _CompanyInSight, changes: Sequence[str]) -> Changed[_CompanyInSight]:
    return Changed(seen.mailbox, seen.company.name, changes, seen)


async def _answer(request: web.Request, seen: _CompanyInSight) -> CompanyAgreementAnswer:
    """The answer to a change that is committed: to look for companies of the same organization
    takes a third of a second among 20,000 of them, and mail waits for the writer. Raises ApiError.
    """
    try:
        return _in_full(seen, await request.app[CONTEXT].runtime.read(seen.shared))
    except store_down() as error:
        log.page_failed(PATH, error)
        text = "the change was made, but the store does not respond to show it: ask for the company"
        raise ApiError(503, text) from None


def _in_full(seen: _CompanyInSight, shared: Sequence[SharedOrganization]) -> CompanyAgreementAnswer:
    agreement = seen.agreement
    return {
        **_as_json(seen.company, seen.mailbox),
        "contracts": [
            {
                "tier": each.tier,
                "starts_at": each.starts_at.isoformat(),
                "targets": {stage: dict(spans) for stage, spans in each.targets.items()},
                "calendar": each.calendar,
            }
            for each in agreement.contracts
        ],
        "account_team": list(agreement.account_team),
        "success_manager": agreement.success_manager,
        "channel": agreement.channel,
        "visibility": agreement.visibility,
        "updates_by": agreement.updates_by,
        "shared_organizations": [
            {
                "domain": each.domain,
                "other_domain": each.other_domain,
                "other_company": each.other_company,
            }
            for each in shared
        ],
    }


def _as_json(company: ListedCompany, mailbox: Mailbox) -> CompanyAnswer:
    return {
        "id": company.id,
        "mailbox": mailbox.address,
        "name": company.name,
        "active": company.active,
        "domains": list(company.domains),
    }


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        handler=_list,
        name="list_companies",
        summary="The companies of a mailbox, by name",
        scopes=READERS,
        query=RegistryQuery,
        answer=JsonAnswer(CompaniesAnswer),
        errors=(404,),
    ),
    Operation(
        method="POST",
        path=PATH,
        handler=_register,
        name="register_company",
        summary="Register a company with the mail domains that it owns",
        scopes=WRITERS,
        query=MailboxQuery,
        body=JsonBody(NewCompany),
        status=201,
        answer=JsonAnswer(CompanyAgreementAnswer, has_location=True),
        errors=(404, 409),
    ),
    Operation(
        method="GET",
        path=ONE,
        handler=_read,
        name="get_company",
        summary="A company with what is agreed with it",
        scopes=READERS,
        query=Query,
        answer=JsonAnswer(CompanyAgreementAnswer),
        errors=(404,),
    ),
    Operation(
        method="PATCH",
        path=ONE,
        handler=_change,
        name="change_company",
        summary="Change a company: all of the changes are made, or none",
        scopes=WRITERS,
        query=Query,
        body=JsonBody(CompanyPatch),
        answer=JsonAnswer(CompanyAgreementAnswer),
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path=f"{ONE}/contracts",
        handler=_agree,
        name="add_contract",
        summary="Give a company a tier from a time on",
        scopes=WRITERS,
        query=Query,
        body=JsonBody(NewContract),
        answer=JsonAnswer(CompanyAgreementAnswer),
        errors=(404, 409),
    ),
)
