"""The cookies of the console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web


class Cookie(StrEnum):
    SESSION = "postern_session"
    """The secret of a browser that is logged in."""
    DOOR = "postern_door"
    """A secret of a browser that is not: its forms carry a token of it."""
    OPENID = "postern_openid"
    """What a login through the identity provider began with."""
    NOTICE = "postern_notice"
    """What the last form did, for the next page."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """Cookies that no script reads, and that other sites' forms do not send (RFC 6265bis).

    By https their names begin with `__Host-`: then neither another host of the same domain nor a
    page without TLS can set them. Browsers take such a name for the whole host only, and from https
    only. On plain http, which is for loopback, they are of the console's own path.
    """

    is_https: bool
    prefix: str
    """The path of the console."""

    def name_of(self, cookie: Cookie) -> str:
        return f"__Host-{cookie.value}" if self.is_https else cookie.value

    def read(self, request: web.Request, cookie: Cookie) -> str:
        """Its value; empty for none, and for one that is not of ours.

        Of two with one name, a browser sends that of the longer path first. The library would make
        an object of each cookie: thousands of them, in the event loop, for anybody who asks.
        """
        wanted = f"{self.name_of(cookie)}="
        pairs = request.headers.get("Cookie", "").split(";")
        found = next((each for pair in pairs if (each := pair.strip()).startswith(wanted)), wanted)
        value = found.removeprefix(wanted).strip('"')  # in quotation marks where it has a slash
        return value if value.isascii() else ""

    def keep(
        self,
        response: web.StreamResponse,
        cookie: Cookie,
        value: str,
        max_age: int | None = None,
    ) -> None:
        """Have the browser keep a value until it is closed, or for `max_age` seconds."""
        response.set_cookie(
            self.name_of(cookie),
            value,
            path=self._path,
            httponly=True,
            secure=self.is_https,
            samesite="Lax",
            max_age=max_age,
        )

    def forget(self, response: web.StreamResponse, cookie: Cookie) -> None:
        # Of a `__Host-` cookie a browser takes no other form than that which set it.
        response.del_cookie(
            self.name_of(cookie),
            path=self._path,
            httponly=True,
            secure=self.is_https,
            samesite="Lax",
        )

    @property
    def _path(self) -> str:
        return "/" if self.is_https else self.prefix
