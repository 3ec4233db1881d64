"""Companies over the API: listed for staff and reports, registered and changed by a directory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from gateway.organizations import shared_organizations
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
from storage.db.database import Connection
from storage.registry import companies, directory
from storage.registry.checks import valid_domain
from storage.registry.companies import CompanyAgreement, Contract
from storage.registry.directory import ListedCompany
from storage.registry.errors import InvalidValue

PATH = "/api/v1/companies"
ONE = f"{PATH}/{{company}}"


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
        return _in_full(connection, seen, *_found(connection, request, seen))

    return web.json_response(await context.runtime.read(read_one))


async def _register(request: web.Request, caller: Caller, query: MailboxQuery) -> web.Response:
    context = request.app[CONTEXT]
    new, now = await body_of(request, NewCompany), context.runtime.clock()

    def job(connection: Connection) -> Changed[CompanyAgreementAnswer]:
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        number = companies.add_company(connection, mailbox, new.name, new.domains)
        added = directory.company(connection, [mailbox.id], number)
        assert added is not None
        seen = _mailboxes(connection, request, caller)
        return _changed(connection, seen, mailbox, *added, ["company_added"])

    answer = await changed(context, caller, job)
    headers = {"Location": f"{PATH}/{answer['id']}"}
    return web.json_response(answer, status=201, headers=headers)


async def _change(request: web.Request, caller: Caller, _: Query) -> web.Response:
    patch = await body_of(request, CompanyPatch)

    def job(connection: Connection) -> Changed[CompanyAgreementAnswer]:
        seen = _mailboxes(connection, request, caller)
        mailbox, _, known = _found(connection, request, seen)
        names = made(connection, _changes(mailbox, known, patch))
        return _changed(connection, seen, *_found(connection, request, seen), names)

    return web.json_response(await changed(request.app[CONTEXT], caller, job))


async def _agree(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context = request.app[CONTEXT]
    asked, now = await body_of(request, NewContract), context.runtime.clock()
    wanted = {"first": asked.first, "ongoing": asked.ongoing}

    def job(connection: Connection) -> Changed[CompanyAgreementAnswer]:
        seen = _mailboxes(connection, request, caller)
        mailbox, _, known = _found(connection, request, seen)
        policy = context.runtime.policy_of(mailbox)
        targets = agreed_targets(wanted, asked.tier, asked.calendar, policy)
        if isinstance(targets, ContractFault):
            raise ApiError(409, str(targets.why))
        contract = Contract(asked.tier, asked.starts_at or now, targets, asked.calendar)
        companies.add_contract(connection, mailbox, known.name, contract)
        found = _found(connection, request, seen)
        return _changed(connection, seen, *found, [f"tier {asked.tier}"])

    return web.json_response(await changed(context, caller, job))


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


def _changed(
    connection: Connection,
    seen: Collection[int],
    mailbox: Mailbox,
    company: ListedCompany,
    agreement: CompanyAgreement,
    changes: Sequence[str],
) -> Changed[CompanyAgreementAnswer]:
    answer = _in_full(connection, seen, mailbox, company, agreement)
    return Changed(mailbox, company.name, changes, answer)


def _in_full(
    connection: Connection,
    seen: Collection[int],
    mailbox: Mailbox,
    company: ListedCompany,
    agreement: CompanyAgreement,
) -> CompanyAgreementAnswer:
    """`seen` are the mailboxes whose companies the caller may read."""
    return {
        **_as_json(company, mailbox),
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
            for each in shared_organizations(connection, company.id, seen)
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
