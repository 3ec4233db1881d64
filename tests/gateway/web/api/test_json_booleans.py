"""A key of a request body that is true or false takes nothing else in its place."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gateway import registry_requests, ticket_requests
from gateway.ticket_requests import RequestModel, TicketPatch
from gateway.web.api.auth import ApiError
from gateway.web.api.operations import JsonBody
from gateway.web.api.request_parsing import parsed
from gateway.web.api.routes import OPERATIONS

REQUESTS = sorted(
    {
        each
        for module in (ticket_requests, registry_requests)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, RequestModel)
    },
    key=lambda model: model.__name__,
)
NOT_BOOLEANS = ("yes", "true", "off", "", 1, 0, 1.0)


def _is_boolean(annotation: Any) -> bool:
    return annotation is bool or any(_is_boolean(each) for each in get_args(annotation))


BOOLEANS = [
    (model, name)
    for model in REQUESTS
    for name, field in model.model_fields.items()
    if _is_boolean(field.annotation)
]


def _named(part: object) -> str:
    return part.__name__ if isinstance(part, type) else str(part)


async def _faults(model: type[BaseModel], body: dict[str, Any]) -> str:
    try:
        await parsed(json.dumps(body).encode(), model)
    except ApiError as refused:
        return f"{refused.status} {refused}"
    return ""


def test_each_body_of_the_api_is_looked_at() -> None:
    bodies = {each.body.model for each in OPERATIONS if isinstance(each.body, JsonBody)}
    assert bodies <= set(REQUESTS)
    assert (TicketPatch, "delete") in BOOLEANS
    assert (TicketPatch, "follow") in BOOLEANS


@pytest.mark.parametrize("value", NOT_BOOLEANS, ids=repr)
@pytest.mark.parametrize(("model", "name"), BOOLEANS, ids=_named)
async def test_a_string_or_a_number_is_no_boolean(
    model: type[BaseModel], name: str, value: object
) -> None:
    faults = await _faults(model, {name: value})
    assert faults.startswith("400 ")
    assert f"{name}: {value!r}: must be true or false, without quotes" in faults


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(("model", "name"), BOOLEANS, ids=_named)
async def test_true_and_false_are_taken(model: type[BaseModel], name: str, value: bool) -> None:
    assert f"{name}: " not in await _faults(model, {name: value})


async def test_nothing_else_becomes_strict() -> None:
    patch = await parsed(b'{"publish": "3", "follow": null, "status": "resolved"}', TicketPatch)
    assert (patch.publish, patch.follow) == (3, None)
