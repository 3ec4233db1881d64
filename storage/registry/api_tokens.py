"""Bearer tokens of the HTTP API, each with a name and its scopes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from storage.db.tables import ApiTokenRow, table
from storage.registry.checks import insert_new, not_found

_api_token = table(ApiTokenRow)


@dataclass(frozen=True, slots=True)
class ApiToken:
    name: str
    scope: str
    """What it permits: the names of scopes, with spaces between them (RFC 6749 §3.3)."""


def add_api_token(connection: Connection, token: str, name: str, scope: str, now: datetime) -> None:
    """Register a bearer token; only its digest is stored."""
    row = {"digest": _digest(token), "name": name, "scope": scope, "created_at": now}
    insert_new(connection, _api_token, row, name)


def find_api_token(connection: Connection, token: str) -> ApiToken | None:
    """The token with this text; None for one that is not ours."""
    columns = (_api_token.c.name, _api_token.c.scope)
    row = connection.execute(select(*columns).where(_api_token.c.digest == _digest(token)))
    return next((ApiToken(*found) for found in row), None)


def list_api_tokens(connection: Connection) -> list[tuple[str, str, datetime]]:
    """The name, scope and creation time of every bearer token, the oldest first."""
    columns = (_api_token.c.name, _api_token.c.scope, _api_token.c.created_at)
    rows = connection.execute(select(*columns).order_by(_api_token.c.created_at))
    return [(row.name, row.scope, row.created_at) for row in rows]


def remove_api_tokens(connection: Connection, name: str) -> int:
    """Revoke every bearer token of a name and return their number. Raises NotFound for none."""
    removed = connection.execute(delete(_api_token).where(_api_token.c.name == name)).rowcount
    if not removed:
        known = sorted({known for known, _, _ in list_api_tokens(connection)})
        raise not_found("token {name}", known, name=repr(name))
    return removed


def forget_api_token(connection: Connection, token: str) -> None:
    """Revoke one token, which nobody has seen."""
    connection.execute(delete(_api_token).where(_api_token.c.digest == _digest(token)))


def _digest(token: str) -> str:
    # 256 random bits need no slow hash: nobody guesses them from their digest.
    return hashlib.sha256(token.encode()).hexdigest()
