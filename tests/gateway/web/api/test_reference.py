"""The OpenAPI document and its page describe all that the API does."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from gateway.web.api.openapi import document
from gateway.web.api.operations import ERRORS
from gateway.web.api.routes import OPERATIONS
from tests.gateway.web.api.site import Site


async def test_each_route_of_the_api_is_in_the_document(site: Site) -> None:
    answer = await site.client.get("/api/v1/openapi.json")
    described = (await answer.json())["paths"]

    app = site.client.server.app  # type: ignore[attr-defined]  # a server of an application
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    assert served == {(method, path) for path, methods in described.items() for method in methods}


def test_what_the_document_refers_to_is_in_it() -> None:
    made = document(OPERATIONS)

    references = set(_references(made))
    assert "#/components/schemas/TicketAnswer" in references
    assert [ref for ref in references if _at(made, ref) is None] == []


def _references(value: Any) -> list[str]:
    match value:
        case {"$ref": str(ref)}:
            return [ref]
        case dict():
            return [ref for each in value.values() for ref in _references(each)]
        case list():
            return [ref for each in value for ref in _references(each)]
        case _:
            return []


def _at(made: Any, ref: str) -> Any:
    for key in ref.removeprefix("#/").split("/"):
        made = made.get(key, {})
    return made or None


def test_each_status_of_an_operation_means_something() -> None:
    for each in OPERATIONS:
        errors = set(each.statuses) - {each.status} - set(each.own_errors)
        assert errors <= set(ERRORS), each.name


async def test_the_page_shows_each_operation_and_loads_nothing_from_elsewhere(site: Site) -> None:
    answer = await site.client.get("/api/v1/reference")
    links = _Links()
    links.feed(await answer.text())

    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert links.ids >= {each.name for each in OPERATIONS}
    assert {link.removeprefix("#") for link in links.to if link.startswith("#")} <= links.ids
    others = {link for link in links.to if not link.startswith("#")}
    for link in others:
        assert (await site.client.get(link)).status == 200


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.to: set[str] = set()
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.to.add(value)
            if name == "id" and value:
                self.ids.add(value)
