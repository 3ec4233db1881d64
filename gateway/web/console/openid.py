"""The identity provider of the configuration, by OpenID Connect: what it says of itself, and what
it states about who logged in there.

The rules of the protocol are authlib's, signatures joserfc's. This module is imported only where a
provider is configured.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from gateway import log
from gateway.config.secret_file import first_line
from gateway.config.sections import OpenidSection
from gateway.web.console.context import PREFIX
from gateway.web.console.identity_provider import CALLBACK_PATH, BegunLogin, NoAnswer, NotValid
from rules.service.console_identities import Demands

SCOPE = "openid email"
TIMEOUT_S = 5.0
"""For one answer of the provider, from the look-up of its name to the last octet."""
MOST_BYTES = 256 * 1024
"""Of one answer."""
FRESH_S = 3600.0
"""How long what the provider says of itself is believed."""
AGAIN_S = 5.0
"""After a failure it is not asked again for so long: everybody who waits learns at once."""
NEW_KEYS_S = 60.0
"""How often new keys are asked for because a statement names one that is not known."""
LEEWAY_S = 60
"""How far the clocks may differ."""
ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""Signatures by a key that only the provider has: neither `none`, nor one by the shared secret."""
_KEY_TYPES = ("RSA", "EC", "OKP")
LONGEST_KEY_NAME = 100
"""Characters of it in the log."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

Json = dict[str, Any]


def configured(section: OpenidSection, console_begins: str) -> OpenIdProvider:
    """The configured provider; it is not asked anything yet. Raises SecretRefused."""
    file, secret = section.client_secret_file, section.client_secret or ""
    if file is not None:
        secret = first_line(file, "openid.client_secret_file")
    return OpenIdProvider(section, secret, f"{console_begins}{PREFIX}{CALLBACK_PATH}")


@dataclass(frozen=True, slots=True)
class _Discovered:
    """What the provider says of itself."""

    metadata: Json
    keys: KeySet
    at: float


class OpenIdProvider:
    """See `IdentityProvider`."""

    def __init__(
        self,
        section: OpenidSection,
        secret: str,
        redirect_uri: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`redirect_uri` is where the provider sends browsers; `clock` gives seconds from any fixed
        point."""
        self._section = section
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._asking = asyncio.Lock()
        self._discovered: _Discovered | None = None
        self._failed_at: float | None = None

    @property
    def name(self) -> str:
        return self._section.name or urlsplit(self._section.issuer).netloc

    @property
    def issuer(self) -> str:
        return self._section.issuer

    @property
    def is_required(self) -> bool:
        return self._section.required

    @property
    def demands(self) -> Demands:
        section = self._section
        return Demands(section.domains, section.claim or "", section.claim_value or "")

    async def login_url(self, begun_login: BegunLogin) -> str:
        metadata = (await self._known()).metadata
        uri: str = prepare_grant_uri(
            metadata["authorization_endpoint"],
            self._section.client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope=SCOPE,
            state=begun_login.state,
            nonce=begun_login.nonce,
            code_challenge=create_s256_code_challenge(begun_login.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def claims_of(
        self, code: str, begun_login: BegunLogin, now: datetime
    ) -> Mapping[str, object]:
        known = await self._known()
        tokens = await self._tokens(known.metadata, code, begun_login)
        claims = await self._proven(known, tokens, begun_login, int(now.timestamp()))
        if "email" not in claims and "userinfo_endpoint" in known.metadata:
            claims |= await self._user_info(known.metadata, tokens, claims["sub"])
        return claims

    async def _tokens(self, metadata: Json, code: str, begun_login: BegunLogin) -> Json:
        """What the provider gives for a code. Raises NotValid where it refuses the code."""
        endpoint = metadata["token_endpoint"]
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=self._redirect_uri,
            code_verifier=begun_login.verifier,
        )
        methods = metadata.get("token_endpoint_auth_methods_supported")
        posts = isinstance(methods, list) and "client_secret_post" in methods
        way = "client_secret_post" if posts else "client_secret_basic"
        auth = ClientAuth(self._section.client_id, self._secret, way)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        endpoint, headers, body = auth.prepare("POST", endpoint, headers, body)
        status, answer = await _ask("POST", endpoint, headers, body)
        if status in (400, 401):
            raise NotValid(f"the code is refused: {str(answer.get('error', status))[:100]}")
        if status != 200:
            raise NoAnswer(f"{endpoint} answers {status}")
        return answer

    async def _proven(
        self, known: _Discovered, tokens: Json, begun_login: BegunLogin, now: int
    ) -> Json:
        """The claims of the ID token, if all that they must say is there and its signature holds
        (OpenID Connect Core 1.0 §3.1.3.7). Raises NotValid."""
        written = tokens.get("id_token")
        if not isinstance(written, str):
            raise NotValid("there is no ID token")
        try:
            try:
                token = _decoded(written, known)
            except InvalidKeyIdError:
                token = _decoded(written, await self._with_new_keys(known))
            options = {
                "iss": {"essential": True, "value": self._section.issuer},
                "aud": {"essential": True, "value": self._section.client_id},
            }
            demanded = {"nonce": begun_login.nonce, "client_id": self._section.client_id}
            if isinstance(tokens.get("access_token"), str):
                demanded["access_token"] = tokens["access_token"]
            claims = CodeIDToken(token.claims, token.header, options, demanded)
            claims.validate(now=now, leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            # The libraries raise the others for a token that is none at all.
            raise NotValid(f"the ID token: {error}") from error
        return dict(claims)

    async def _user_info(self, metadata: Json, tokens: Json, subject: object) -> Json:
        """Claims that the provider keeps apart from the ID token, of the same subject alone (§5.3.2
        there)."""
        endpoint, token = metadata["userinfo_endpoint"], tokens.get("access_token")
        if not _is_like(endpoint, self._section.issuer):
            raise NoAnswer("userinfo_endpoint is no https address")
        status, answer = await _ask("GET", endpoint, {"Authorization": f"Bearer {token}"})
        if status != 200:
            raise NoAnswer(f"{endpoint} answers {status}")
        if answer.get("sub") != subject:
            raise NotValid("the user info is of another subject")
        return {name: answer[name] for name in ("email", "email_verified") if name in answer}

    async def _known(self) -> _Discovered:
        """What the provider says of itself, asked for once in a while. Raises NoAnswer."""
        async with self._asking:
            now, known = self._clock(), self._discovered
            if known is not None and now - known.at < FRESH_S:
                return known
            if self._failed_at is not None and now - self._failed_at < AGAIN_S:
                raise NoAnswer("it did not answer a few seconds ago")
            try:
                self._discovered = await self._discover()
            except NoAnswer:
                self._failed_at = self._clock()
                raise
            self._failed_at = None
            return self._discovered

    async def _with_new_keys(self, known: _Discovered) -> _Discovered:
        """The provider with the keys that it has now, which it may have changed."""
        async with self._asking:
            if self._discovered is known and self._clock() - known.at >= NEW_KEYS_S:
                self._discovered = await self._discover()
            return self._discovered or known

    async def _discover(self) -> _Discovered:
        issuer = self._section.issuer
        metadata = await _fetched(get_well_known_url(issuer, external=True))
        if metadata.get("issuer") != issuer:
            raise NoAnswer(f"it calls itself {str(metadata.get('issuer'))[:200]!r}")
        try:
            described = OpenIDProviderMetadata(metadata)
            for each in _ENDPOINTS:
                getattr(described, f"validate_{each}")()
        except (ValueError, TypeError, AttributeError) as error:
            raise NoAnswer(f"its configuration is invalid: {error}") from error
        for each in _ENDPOINTS:
            if not _is_like(metadata.get(each), issuer):
                raise NoAnswer(f"its {each} is no https address")
        keys = _keys_in(await _fetched(metadata["jwks_uri"]), issuer)
        return _Discovered(metadata, keys, self._clock())


def _keys_in(found: Json, issuer: str) -> KeySet:
    """The keys of a provider that sign. Those that cannot be read are ignored, as RFC 7517 §5 says,
    and logged: one of them must not keep everybody out. Raises NoAnswer where there is none."""
    listed, usable = found.get("keys"), []
    for each in listed if isinstance(listed, list) else ():
        try:
            if each.get("kty") in _KEY_TYPES and each.get("use", "sig") == "sig":
                usable.extend(KeySet.import_key_set({"keys": [each]}).keys)
        except Exception as error:  # noqa: BLE001 - the libraries raise anything for a key
            name = str(each.get("kid", "")) if isinstance(each, dict) else ""
            log.console_openid_key_ignored(issuer, name[:LONGEST_KEY_NAME], type(error).__name__)
    if not usable:
        raise NoAnswer("it has no key that can be read")
    return KeySet(usable)


def _decoded(written: str, known: _Discovered) -> jwt.Token:
    """Raises NotValid where the provider signs by no algorithm that proves anything: given none,
    the library takes its own."""
    offered = known.metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    allowed = [each for each in offered if each in ALGORITHMS]
    if not allowed:
        raise NotValid("it signs by no algorithm that proves anything")
    registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
    return jwt.decode(written, known.keys, registry=registry)


def _is_like(address: object, issuer: str) -> bool:
    """Whether an address is of https, as the issuer is; on loopback, where tests run, of http."""
    if not isinstance(address, str):
        return False
    return address.startswith("https://") or not issuer.startswith("https://")


async def _fetched(address: str) -> Json:
    status, answer = await _ask("GET", address, {})
    if status != 200:
        raise NoAnswer(f"{address} answers {status}")
    return answer


async def _ask(
    method: str, address: str, headers: Mapping[str, str], body: str | None = None
) -> tuple[int, Json]:
    """The status and the JSON object of an answer. Raises NoAnswer."""
    asked = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                method, address, headers=asked, data=body, allow_redirects=False
            ) as response,
        ):
            content = await _limited(response)
            found = json.loads(content)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
        raise NoAnswer(f"{address}: {error!r}") from error
    if not isinstance(found, dict):
        raise NoAnswer(f"{address}: the answer is no JSON object")
    return response.status, found


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """The body, unless it is too large or compressed: a few octets may become gigabytes."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("the answer is compressed")
    content = bytearray()
    async for chunk in response.content.iter_chunked(MOST_BYTES):
        content += chunk
        if len(content) > MOST_BYTES:
            raise ValueError("the answer is too large")
    return bytes(content)
