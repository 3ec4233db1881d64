"""Which token may do what: every operation by every scope."""

from __future__ import annotations

import re
from functools import partial

import pytest

from gateway import clock
from gateway.web.api.queries import EnvelopeQuery
from gateway.web.api.routes import OPERATIONS
from gateway.web.api.scopes import Scope
from storage.registry import api_tokens
from tests.gateway.web.api.site import ANN, SAM, Site
from tests.gateway.web.slow_bodies import Asked
from tests.in_process import SUPPORT

OF_CUSTOMERS = {
    "list_tickets",
    "open_ticket",
    "get_ticket",
    "change_ticket",
    "get_attachment",
    "get_comment_html",
    "get_comment_image",
}
"""A portal acts for everybody who uses it: what it may do is listed here as well."""
OF_EVERYBODY = {"get_document", "get_reference", "get_reference_style"}
OF_OTHER_TOKENS = {
    Scope.REGISTRY: {
        "list_people",
        "get_person",
        "register_person",
        "change_person",
        "list_companies",
        "get_company",
        "register_company",
        "change_company",
        "add_contract",
    },
    Scope.ADMIN: {"add_mailbox"},
    Scope.OUTBOX: {
        "list_outgoing_mails",
        "get_outgoing_mail",
        "retry_outgoing_mails",
        "list_bouncing_addresses",
        "remove_bouncing_address",
    },
    Scope.HELD: {
        "list_held_mails",
        "get_held_mail",
        "get_raw_mail_of_journal",
        "release_held_mail",
        "discard_held_mail",
    },
}
"""What a token of one of these scopes may do, and nothing else."""
ACTORS = {Scope.STAFF: SAM, Scope.PORTAL: ANN, Scope.HELD: SAM}
PART = (
    b'--x\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
    b'{"subject": "Lift", "text": "It is stuck."}\r\n--x--\r\n'
)


def actor_of(scope: Scope | None) -> dict[str, str]:
    return {"X-Postern-Actor": ACTORS[scope]} if scope in ACTORS else {}


async def test_every_operation_is_refused_without_a_token_of_its_scopes(site: Site) -> None:
    for operation in OPERATIONS:
        path = re.sub(r"\{\w+\}", "1", operation.path)
        for scope in (None, *Scope):
            headers = {"Authorization": f"Bearer {scope}-token"} if scope is not None else {}
            headers |= actor_of(scope)
            answer = await site.client.request(operation.method, path, headers=headers)
            detail = (await answer.json())["detail"] if answer.status in (401, 403) else ""
            of_scope = answer.status == 401 or "this token is for" in detail
            is_allowed = not operation.scopes or scope in operation.scopes
            assert of_scope != is_allowed, (operation.name, scope, answer.status)


async def test_a_token_that_is_revoked_while_a_body_comes_does_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the holder of a revoked token sends all but the end of what they want done later."""
    asked = Asked()
    asked.watch(monkeypatch, api_tokens, "find_api_token")
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    for operation in (each for each in OPERATIONS if each.body is not None):
        path, scope = re.sub(r"\{\w+\}", "1", operation.path), operation.scopes[0]
        token = f"{scope}-token"
        query = {"rcpt": SUPPORT} if issubclass(operation.query, EnvelopeQuery) else {}
        revoke = partial(site.write, partial(api_tokens.forget_api_token, token=token))
        for form in ({}, multipart) if operation.name == "open_ticket" else ({},):
            answer = await site.client.request(
                operation.method,
                path,
                params=query,
                headers={"Authorization": f"Bearer {token}", **form} | actor_of(scope),
                data=asked.body(PART if form else b"{}", revoke),
            )
            add = partial(api_tokens.add_api_token, token=token, name=scope.value)
            await site.write(partial(add, scope=scope.value, now=clock.now()))

            detail = (await answer.json())["detail"]
            assert (answer.status, detail) == (401, "unknown token"), operation.name


async def test_a_token_with_several_scopes_may_do_what_each_of_them_permits(site: Site) -> None:
    add = partial(api_tokens.add_api_token, token="two", name="two", now=clock.now())
    await site.write(partial(add, scope="registry read"))
    headers = {"Authorization": "Bearer two"}

    listed = await site.client.get(f"/api/v1/tickets?mailbox={SUPPORT}", headers=headers)
    posted = await site.client.post("/api/v1/people", headers=headers, json={})
    refused = await site.client.post("/api/v1/outbox/retry", headers=headers, json={})

    assert (listed.status, posted.status, refused.status) == (200, 400, 403)
    detail = (await refused.json())["detail"]
    assert detail == "this token is for registry and read, not for outbox"


def test_what_customers_and_everybody_may_do_is_listed() -> None:
    of_customers = {each.name for each in OPERATIONS if Scope.PORTAL in each.scopes}
    of_everybody = {each.name for each in OPERATIONS if not each.scopes}

    assert (of_customers, of_everybody) == (OF_CUSTOMERS, OF_EVERYBODY)


@pytest.mark.parametrize("scope", OF_OTHER_TOKENS)
def test_a_token_for_one_task_does_nothing_else(scope: Scope) -> None:
    permitted = {each.name for each in OPERATIONS if scope in each.scopes}
    changes = {each.name for each in OPERATIONS if scope in each.scopes and each.method != "GET"}

    assert permitted == OF_OTHER_TOKENS[scope]
    # An older token of another scope does not come by the right.
    assert all(set(each.scopes) == {scope} for each in OPERATIONS if each.name in changes)


def test_a_token_that_only_reads_changes_nothing() -> None:
    assert {each.method for each in OPERATIONS if Scope.READ in each.scopes} == {"GET"}
