"""What the OpenAPI document says is true: requests that are made of it, valid ones and others, get
answers that it describes, and none is an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from gateway.web.api.operations import JsonBody, Operation
from tests.gateway.web.api.conftest import site, template
from tests.gateway.web.api.site import ANN, BOB, OPERATION_OF, SAM, SHARED, Site
from tests.in_process import SUPPORT, TRUSTED, a_mail

__all__ = ["site", "template"]

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CALLERS = [
    ("staff", SAM),
    ("portal", ANN),
    ("portal", BOB),
    ("read", None),
    ("mails", None),
    ("held", SAM),
    ("outbox", None),
    ("registry", None),
    ("admin", None),
]
MAIL = a_mail(ANN)
KNOWN: Mapping[str, tuple[Any, ...]] = {
    "mailbox": (SUPPORT, SHARED),
    "comment": (1, 2, {"text": "Soon.", "visibility": "note"}),
    "attachment": (1,),
    "name": ("hello",),
    "journal_id": ("01980000-0000-7000-8000-000000000000",),
    "rcpt": ([SUPPORT], [SUPPORT, "no@help.example"]),
    "mail_from": (ANN, ""),
    "peer": (TRUSTED, ""),
    "requester": (BOB,),
    "assignee": (SAM, ""),
    "add": ([BOB],),
    "number": (1, 2, 3),
    "status": ("open", "pending", "resolved"),
    "fields": ({"area": "lift"}, {}),
}
"""Values that lead further than those that are made of a schema."""
ALWAYS_SENT = {"mailbox", "status"}
"""Without one of these most requests are refused."""

schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
Case = schemathesis.Case[Any]


async def test_each_answer_is_one_that_the_document_describes(site: Site) -> None:
    await _explore(site, settings(max_examples=60, derandomize=True))


@pytest.mark.soak
@pytest.mark.timeout(0)
async def test_each_of_many_answers_is_one_that_the_document_describes(site: Site) -> None:
    await _explore(site, settings(max_examples=20_000))


async def _explore(site: Site, how_often: settings) -> None:
    number = await site.open(ANN)
    await site.mailed()
    await site.effects(number, comment={"text": "Soon."}, tag=["billing"])
    document = await (await site.client.get("/api/v1/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(site.client.make_url("")).rstrip("/"))
    cases = [
        described.as_strategy(generation_mode=mode)
        for described in _operations(schema)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]
    await asyncio.to_thread(partial(_ask_often, st.sampled_from(cases), how_often))


def _operations(schema: Any) -> Iterator[Any]:
    """Those that need a token; the others always give the same answer."""
    for found in schema.get_all_operations():
        if _operation_of(found.ok()).scopes:
            yield found.ok()


def _operation_of(described: Any) -> Operation[Any]:
    return OPERATION_OF[described.method.upper(), described.path]


def _ask_often(cases: st.SearchStrategy[st.SearchStrategy[Case]], how_often: settings) -> None:
    with requests.Session() as session:
        how = settings(
            how_often,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @how
        @given(st.data())
        def ask(data: st.DataObject) -> None:
            _ask(session, data, data.draw(data.draw(cases)))

        ask()


def _ask(session: requests.Session, data: st.DataObject, case: Case) -> None:
    operation = _operation_of(case.operation)
    _fill(data, case.path_parameters, operation.parameters)
    _fill(data, case.query, operation.query.model_fields)
    if isinstance(operation.body, JsonBody) and isinstance(case.body, dict):
        more = ALWAYS_SENT.intersection(operation.body.model.model_fields)
        body = case.body.get("request", case.body)  # of a form, the part with the JSON
        if isinstance(body, dict):
            _fill(data, body, sorted({*body, *more}))
    if case.media_type == "message/rfc822":
        case.body = MAIL
    fitting = [caller for caller in CALLERS if caller[0] in operation.scopes]
    scope, actor = data.draw(st.sampled_from(fitting * 4 + CALLERS))
    headers = {"Authorization": f"Bearer {scope}-token", "X-Postern-Actor": actor}
    answer = case.call(session=session, headers=headers)
    case.validate_response(answer, checks=CHECKS)


def _fill(data: st.DataObject, part: dict[str, Any], names: Iterable[str]) -> None:
    """Set known values, mostly."""
    for name in names:
        if name in KNOWN and data.draw(st.sampled_from((True, True, True, False))):
            part[name] = data.draw(st.sampled_from(KNOWN[name]))
