"""The sections of the configuration, with their defaults."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from gateway.config.types import (
    Address,
    AuthservId,
    Domain,
    ExistingFile,
    Issuer,
    Listen,
    Network,
    PublicUrl,
    RelayUrl,
    Selector,
    StoreUrl,
    TcpListen,
)
from rules.strangers import StrangerHandling


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SmtpSection(_Section):
    listen: TcpListen = "127.0.0.1:2525"
    strangers: StrangerHandling | None = None
    """What happens to mail from strangers on this listener; None for each policy's own setting."""
    hostname: Annotated[str, Field(min_length=1, max_length=253)] = "localhost"
    """The name in the greeting; the same as in the MX record."""
    tls_listen: TcpListen | None = None
    """A second socket with TLS from the first byte (port 465, RFC 8314)."""
    lenient_peers: tuple[Network, ...] = ()
    """Clients whose bare line ends are corrected instead of refused."""
    proxy_protocol: bool = False
    """Every connection begins with a PROXY line, from the TCP balancer in front of us."""
    balancers: tuple[Network, ...] = ()
    """The addresses of that balancer: nobody else is served, whatever their PROXY line."""

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.tls_listen is not None and self.proxy_protocol:
            raise ValueError(
                "tls_listen cannot be combined with proxy_protocol, whose line would come before "
                "the handshake; let the balancer terminate TLS"
            )
        if self.proxy_protocol and not self.balancers:
            raise ValueError(
                "proxy_protocol needs balancers, the networks of the TCP balancer in front of us, "
                'such as ["10.0.0.5/32"]: anybody else could claim any address in a PROXY line'
            )
        if self.balancers and not self.proxy_protocol:
            raise ValueError("balancers has no effect without proxy_protocol = true")
        return self


class LmtpSection(_Section):
    listen: Listen
    strangers: StrangerHandling | None = None


class HttpSection(_Section):
    listen: TcpListen = "127.0.0.1:8025"
    """The pages for everybody: sign-up, and the links in our mails."""
    admin_listen: TcpListen | None = None
    """The API, metrics and readiness; None for the port after `listen`'s, on loopback. The same
    text as `listen` serves everything there."""
    connections: Annotated[int, Field(ge=1, le=20_000)] = 200
    """For each of the two listeners."""
    connections_per_peer: Annotated[int, Field(ge=1, le=20_000)] = 40
    """By one IPv4 address or IPv6 /64; three times as many by one IPv4 /24 or IPv6 /48."""
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = 300
    """On `listen`, by one IPv4 address or IPv6 /64; four times as many by a network."""
    proxies: tuple[Network, ...] = ()
    """Reverse proxies in front of the pages: they have no limit per peer, and are believed about
    their clients (X-Forwarded-For)."""
    public_url: PublicUrl | None = None
    """The beginning of the links that we mail, such as https://postern.help.example."""
    console_url: PublicUrl | None = None
    """The beginning of the console's addresses, where a proxy serves it by https; None for the
    listener of the API."""

    @model_validator(mode="after")
    def _has_a_port_for_the_api(self) -> Self:
        if self.admin_listen is None and self.listen.endswith(":65535"):
            raise ValueError("admin_listen must be set, since no port follows that of listen")
        return self

    @property
    def admin(self) -> str:
        """Where the API is served; the default follows `listen`, so that nodes can share a host."""
        if self.admin_listen is not None:
            return self.admin_listen
        port = int(self.listen.rpartition(":")[2])
        return f"127.0.0.1:{port + 1 if port else 0}"

    @property
    def links_begin(self) -> str:
        """The beginning of the links that we mail, without a final slash."""
        return self.public_url or f"http://{self.listen}"

    @property
    def console_begins(self) -> str:
        """The beginning of the console's addresses, without a final slash."""
        return self.console_url or f"http://{self.admin}"


class OpenidSection(_Section):
    """The identity provider whose accounts log in to the console (OpenID Connect)."""

    issuer: Issuer
    """As the provider writes it, such as https://accounts.google.com."""
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Annotated[str, Field(min_length=1)] | None = None
    """Better from POSTERN_OPENID__CLIENT_SECRET than from the file."""
    client_secret_file: ExistingFile | None = None
    """Its first line is the secret."""
    name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """On the button of the login; None for the host of the issuer."""
    required: bool = False
    """Nobody logs in to the console with a password."""
    domains: tuple[Domain, ...] = ()
    """Accounts of addresses in these domains alone; empty for any domain."""
    claim: Annotated[str, Field(min_length=1)] | None = None
    """Accounts alone that have this claim, with `claim_value` or a list that contains it."""
    claim_value: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if (self.client_secret is None) == (self.client_secret_file is None):
            raise ValueError("set either client_secret_file or client_secret, and not both")
        if (self.claim is None) != (self.claim_value is None):
            raise ValueError("claim and claim_value belong together; set both or neither")
        return self


class TlsSection(_Section):
    certificate: ExistingFile
    key: ExistingFile


class StoreSection(_Section):
    url: StoreUrl = "sqlite:///var/postern.db"
    connections: Annotated[int, Field(ge=1, le=200)] = 8
    """Connections to PostgreSQL, for each process; SQLite has one writer."""
    free_mib: Annotated[int, Field(ge=0, le=1_000_000)] = 512
    """With less free disk space no mail is taken: in the folder of SQLite and in the Maildir."""
    journal_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long the journal remembers mails of which nothing is kept on a ticket."""
    refused_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """The same for refused, deferred and repeated mails that nothing proves, if that is sooner."""

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None on PostgreSQL."""
        scheme, _, path = self.url.partition(":///")
        return Path(path) if scheme == "sqlite" else None


class TrustedRelay(_Section):
    peer: Network
    authserv_id: AuthservId
    """The relay writes its results under this name and removes all others that use it. Empty for a
    relay that writes no name (Exchange Online); `*.domain` for any name below a domain."""


LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""What a demo trusts, so that it can be tried with any mail client on the same machine."""
DEMO_MAILBOX = "support@help.example"
DEMO_STAFF = "sam@help.example"


class TrustSection(_Section):
    peers: tuple[Network, ...] = ()
    """Clients whose mail needs no further proof of its sender. Never an MTA that takes mail from
    others, not even on this host: it would vouch for the whole Internet."""

    relays: tuple[TrustedRelay, ...] = ()
    """MTAs in front of us whose Authentication-Results (RFC 8601) are trusted."""
    sealers: tuple[Domain, ...] = ()
    """Domains whose ARC seals (RFC 8617) are trusted: forwarders that check what they pass on."""
    forwarders: tuple[Domain, ...] = ()
    """Domains of ours whose servers forward mail here under an envelope sender of theirs (SRS). If
    SPF passes for it, To counts under a trusted seal that does not cover it, as Microsoft's."""


class DnsSection(_Section):
    servers: tuple[Address, ...] = ()
    """Empty for the system's."""
    port: Annotated[int, Field(ge=1, le=65535)] = 53
    budget_s: Annotated[float, Field(gt=0, le=30)] = 3.0
    """The time for all look-ups of one mail together."""
    lookups: Annotated[int, Field(ge=1, le=200)] = 30


class RelaySection(_Section):
    url: RelayUrl | None = None
    """The server that outgoing mail is handed to; None to write it into `maildir`."""
    maildir: Path = Path("var/outbox")
    tls: Literal["opportunistic", "required", "none"] = "opportunistic"
    """Opportunistic: used where the relay offers it, with any certificate. A login always requires
    TLS, unless this is "none"."""
    ca_file: ExistingFile | None = None
    """The authorities that may sign the relay's certificate, in PEM; None for the system's."""
    user: Annotated[str, Field(min_length=1)] | None = None
    password_file: ExistingFile | None = None
    """Its first line is the password."""
    connections: Annotated[int, Field(ge=1, le=20)] = 4

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        """Raises ValueError, which names the setting to change."""
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together; set both or neither")
        parts = urlsplit(self.url or "")
        if parts.username and self.user:
            raise ValueError("user is set, and url contains a user too; remove one of them")
        if parts.scheme == "smtps" and self.tls == "none":
            raise ValueError('tls = "none" contradicts url, which begins with smtps://')
        if self.tls == "none" and self.ca_file is not None:
            raise ValueError('ca_file has no effect with tls = "none"')
        return self


class DkimSection(_Section):
    """A key that signs outgoing mail (RFC 6376)."""

    domain: Domain
    """Mail of mailboxes in this domain and in its subdomains is signed."""
    selector: Selector
    key: ExistingFile
    """In PEM, RSA or Ed25519."""


class ServeSection(_Section):
    pid_file: Path | None = None
    """The file that names the process of `postern serve`; see `Config.pid_file`."""


class PoliciesSection(_Section):
    folder: Path | None = None
    """Policy files of your own, in addition to the shipped ones."""
    templates: Path | None = None
    """Templates of your own for outgoing mails, instead of the shipped ones."""


class LimitsSection(_Section):
    mail_mib: Annotated[int, Field(ge=1, le=200)] = 25
    recipients: Annotated[int, Field(ge=1, le=1000)] = 100
    connections: Annotated[int, Field(ge=1, le=20_000)] = 500
    connections_per_peer: Annotated[int, Field(ge=1, le=20_000)] = 20
    """By one IPv4 address or IPv6 /64."""
    connections_per_network: Annotated[int, Field(ge=1, le=20_000)] | None = None
    """By one IPv4 /24 or IPv6 /48; None for three times as many as by one peer."""
    connections_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1200
    """This and the next three: by a peer that is not listed; four times as many by a network."""
    mails_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = 1200
    recipients_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = 6000
    unknown_recipients_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = 120
    in_flight_mib: Annotated[int, Field(ge=1, le=65_536)] = 256
    idle_s: Annotated[float, Field(gt=0, le=3600)] = 300
    refusal_s: Annotated[float, Field(gt=0, le=30)] = 1.0
    """An unproven sender is answered at a multiple of this time after their mail."""
    grace_s: Annotated[float, Field(gt=0, le=600)] = 30
    """The time that a stop waits for mails that are being received."""


class LogSection(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"
