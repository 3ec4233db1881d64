"""People and companies over the API, for staff and reports."""

from __future__ import annotations

from aiohttp import web

from gateway.web.api import access
from gateway.web.api.access import CONTEXT, Caller
from gateway.web.api.answers import (
    CompaniesAnswer,
    CompanyAgreementAnswer,
    CompanyAnswer,
    PeopleAnswer,
    PersonAnswer,
)
from gateway.web.api.auth import ApiError, Scope
from gateway.web.api.operations import JsonAnswer, Operation
from gateway.web.api.queries import Query, RegistryQuery
from rules.mail import Mailbox
from storage.db.database import Connection
from storage.registry import directory
from storage.registry.directory import ListedCompany, ListedPerson

READERS = (Scope.STAFF, Scope.READ)


async def _people(request: web.Request, caller: Caller, query: RegistryQuery) -> web.Response:
    context = request.app[CONTEXT]

    def read_page(connection: Connection) -> PeopleAnswer:
        now, limit = context.runtime.clock(), query.limit
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        found = directory.find_people(connection, [mailbox.id], query.text, limit + 1, query.after)
        return {
            "people": [_person(each) for each in found[:limit]],
            "after": found[limit - 1].address if len(found) > limit else None,
        }

    return web.json_response(await context.show(read_page, caller.address))


async def _companies(request: web.Request, caller: Caller, query: RegistryQuery) -> web.Response:
    context = request.app[CONTEXT]

    def read_page(connection: Connection) -> CompaniesAnswer:
        now, limit = context.runtime.clock(), query.limit
        mailbox = access.mailbox_role(connection, caller, query.mailbox, now).mailbox
        found = directory.find_companies(
            connection, [mailbox.id], query.text, limit + 1, query.after
        )
        return {
            "companies": [_company(each, mailbox) for each in found[:limit]],
            "after": found[limit - 1].name if len(found) > limit else None,
        }

    return web.json_response(await context.show(read_page, caller.address))


async def _agreement(request: web.Request, caller: Caller, _: Query) -> web.Response:
    context, wanted = request.app[CONTEXT], int(request.match_info["company"])

    def read_one(connection: Connection) -> CompanyAgreementAnswer:
        ours = access.mailbox_roles(connection, caller, context.runtime.clock())
        by_id = {role.mailbox.id: role.mailbox for role in ours}
        found = directory.company(connection, by_id, wanted)
        if found is None:
            raise ApiError(404, f"there is no company {wanted}")
        company, agreement = found
        return {
            **_company(company, by_id[company.mailbox_id]),
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
        }

    return web.json_response(await context.runtime.read(read_one))


def _person(person: ListedPerson) -> PersonAnswer:
    return {
        "address": person.address,
        "name": person.name,
        "role": person.role.value,
        "active": person.active,
        "machine": person.machine,
        "language": person.language,
        "notices": person.notices,
        "company": person.company,
        "company_active": person.company_active,
    }


def _company(company: ListedCompany, mailbox: Mailbox) -> CompanyAnswer:
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
        path="/api/v1/people",
        handler=_people,
        name="list_people",
        summary="The registered people of a mailbox, users and staff, by address",
        scopes=READERS,
        query=RegistryQuery,
        answer=JsonAnswer(PeopleAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/companies",
        handler=_companies,
        name="list_companies",
        summary="The companies of a mailbox, by name",
        scopes=READERS,
        query=RegistryQuery,
        answer=JsonAnswer(CompaniesAnswer),
        errors=(404,),
    ),
    Operation(
        method="GET",
        path="/api/v1/companies/{company}",
        handler=_agreement,
        name="get_company",
        summary="A company with what is agreed with it",
        scopes=READERS,
        query=Query,
        answer=JsonAnswer(CompanyAgreementAnswer),
        errors=(404,),
    ),
)
