"""An identity provider on loopback: codes, PKCE and the authentication of clients are those of
authlib's server; what its ID tokens state is as a test wants it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.config.sections import OpenidSection

CLIENT_ID, CLIENT_SECRET = "postern-console", "s3cret of the console"
CONSOLE = "http://desk.help.example"
KEY, ANOTHER_KEY = (
    ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}, auto_kid=False) for kid in "12"
)

Claims = dict[str, Any]


def signed(claims: Claims, key: ECKey = KEY) -> str:
    return jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims, key)


class _Client(ClientMixin):  # type: ignore[misc] # authlib has no types
    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == f"{CONSOLE}/console/openid/callback"

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _Code(SimpleNamespace, AuthorizationCodeMixin):  # type: ignore[misc] # authlib has no types
    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)


class _Request(OAuth2Request):  # type: ignore[misc] # authlib has no types
    def __init__(self, request: web.Request, form: Mapping[str, str]) -> None:
        super().__init__(request.method, str(request.url), headers=request.headers)
        self.payload = BasicOAuth2Payload({**dict(parse_qsl(request.url.query_string)), **form})
        self._form = form

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


class _Server(AuthorizationServer):  # type: ignore[misc] # authlib has no types
    def query_client(self, client_id: str) -> _Client | None:
        return _Client() if client_id == CLIENT_ID else None

    def save_token(self, token: Claims, request: _Request) -> None:
        """Tokens are not used any further."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def handle_response(self, status: int, body: object, headers: list[tuple[str, str]]) -> Any:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=dict(headers))


@dataclass
class Provider:
    """One account is logged in there, and may say of itself whatever it likes."""

    account: Claims = field(default_factory=dict)
    """Its claims."""
    changed: Claims = field(default_factory=dict)
    """Claims of the ID token that are not what they should be."""
    apart: bool = False
    """The address is in the user info alone."""
    sign: Callable[[Claims], str] = signed
    issuer: str = ""
    more_keys: Sequence[Claims] = ()
    """Besides the one that signs."""
    algorithms: Sequence[str] = ("ES256", "none", "HS256")
    codes: dict[str, _Code] = field(default_factory=dict)
    refuses: bool = False

    def is_account(self, subject: str, address: str, *, verified: object = True) -> None:
        """Another account logs in, and everything else is in order again."""
        self.account = {"sub": subject, "email": address, "email_verified": verified}
        self.changed, self.apart, self.sign, self.refuses = {}, False, signed, False

    def section(self, **settings: Any) -> OpenidSection:
        named: dict[str, Any] = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return OpenidSection(issuer=self.issuer, name="Acme ID", **named | settings)

    def id_token(self, code: _Code) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= {"nonce": code.nonce, **self.account}
        if self.apart:
            del claims["email"], claims["email_verified"]
        return self.sign(claims | self.changed)


def _grant(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc] # authlib has no types
        def save_authorization_code(self, code: str, request: _Request) -> None:
            asked = request.payload.data
            kept = ("redirect_uri", "scope", "nonce", "code_challenge", "code_challenge_method")
            provider.codes[code] = _Code(code=code, **{each: asked[each] for each in kept})

        def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: _Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: _Code) -> str:
            return str(provider.account["sub"])

    return Grant


@asynccontextmanager
async def a_provider() -> AsyncIterator[Provider]:
    """A provider that serves until the end of the context."""
    provider = Provider()
    server = _Server()
    server.register_grant(_grant(provider), [CodeChallenge(required=True)])
    server.register_token_generator("default", _access_token)
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", partial(_configuration, provider)),
            web.get("/keys", partial(_keys, provider)),
            web.get("/authorize", partial(_authorize, provider, server)),
            web.post("/token", partial(_token, provider, server)),
            web.get("/user", partial(_user, provider)),
        ]
    )
    async with TestServer(app) as listening:
        provider.issuer = str(listening.make_url("")).rstrip("/")
        yield provider


async def _configuration(provider: Provider, _: web.Request) -> web.Response:
    if provider.refuses:
        return web.Response(status=503, text="down")
    here = provider.issuer
    return web.json_response(
        {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "userinfo_endpoint": f"{here}/user",
            "jwks_uri": f"{here}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [*provider.algorithms],
        }
    )


async def _keys(provider: Provider, _: web.Request) -> web.Response:
    return web.json_response({"keys": [*provider.more_keys, KEY.as_dict(private=False)]})


async def _authorize(provider: Provider, server: _Server, request: web.Request) -> web.Response:
    """Its user has consented before."""
    asked = _Request(request, {})
    grant = server.get_consent_grant(asked, provider.account["sub"])
    response = server.create_authorization_response(asked, provider.account["sub"], grant)
    assert isinstance(response, web.Response)
    return response


async def _token(provider: Provider, server: _Server, request: web.Request) -> web.Response:
    if provider.refuses:
        return web.Response(status=503, text="down")
    form = {name: str(value) for name, value in (await request.post()).items()}
    code = provider.codes.get(form.get("code", ""))
    response = server.create_token_response(_Request(request, form))
    assert isinstance(response, web.Response)
    if response.status == 200 and code is not None:
        tokens = json.loads(response.text or "") | {"id_token": provider.id_token(code)}
        return web.json_response(tokens)
    return response


async def _user(provider: Provider, request: web.Request) -> web.Response:
    assert request.headers["Authorization"].startswith("Bearer ")
    return web.json_response(provider.account)


def _access_token(**_: object) -> Claims:
    return {"token_type": "Bearer", "access_token": generate_token(40), "expires_in": 300}


def path_of(address: str) -> str:
    """What a browser asks our server for, of an address of the console."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"
