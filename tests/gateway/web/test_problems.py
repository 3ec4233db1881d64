"""Errors are problem details (RFC 9457), with the header fields that their status asks for."""

from __future__ import annotations

import pytest

from tests.gateway.web.api.conftest import site, template
from tests.gateway.web.api.site import Site

__all__ = ["site", "template"]


@pytest.mark.parametrize(
    ("method", "path", "title", "field"),
    [
        ("GET", "/api/v1/tickets", "Unauthorized", "WWW-Authenticate: Bearer"),
        ("GET", "/api/v1/nothing", "Not Found", "Cache-Control: no-store"),
        ("DELETE", "/api/v1/tickets", "Method Not Allowed", "Allow: GET, HEAD, POST"),
    ],
)
async def test_an_error_is_a_problem_with_what_its_status_asks_for(
    site: Site, method: str, path: str, title: str, field: str
) -> None:
    response = await site.client.request(method, path)

    name, _, value = field.partition(": ")
    body = await response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (body["title"], body["status"]) == (title, response.status)
    assert response.headers[name] == value
