"""The whole configuration: one frozen object, checked at once, refused by name."""

from __future__ import annotations

import itertools
import json
import os
import tomllib
import typing
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.types import (
    Address,
    Domain,
    ExistingFile,
    Listen,
    Network,
    PublicUrl,
    RelayUrl,
    Selector,
    StoreUrl,
    TcpListen,
)
from rules.mail import StrangerHandling
from rules.validation.messages import InvalidFile, explain, text_of

DEFAULT_FILE = Path("postern.toml")
ENVIRONMENT_PREFIX = "POSTERN_"
ENVIRONMENT = "the environment"


class ConfigRefused(InvalidFile):
    """A configuration that does not hold; `str()` names file, key and what to do."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SmtpSection(_Section):
    listen: TcpListen = "127.0.0.1:2525"
    strangers: StrangerHandling | None = None
    """What becomes of the mail of strangers that comes here; unset, as each policy says."""
    hostname: Annotated[str, Field(min_length=1, max_length=253)] = "localhost"
    """What the greeting says; the name that the MX record has."""
    tls_listen: TcpListen | None = None
    """A second socket that is TLS from the first byte (port 465, RFC 8314)."""
    lenient_peers: tuple[Network, ...] = ()
    """Senders of ours whose bare line ends are mended instead of refused."""
    proxy_protocol: bool = False
    """Every connection begins with a PROXY line (a TCP balancer stands before us)."""

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.tls_listen is not None and self.proxy_protocol:
            raise ValueError(
                "tls_listen cannot be had with proxy_protocol, whose line would come before the "
                "handshake; let the balancer end TLS"
            )
        return self


class LmtpSection(_Section):
    listen: Listen
    strangers: StrangerHandling | None = None


class HttpSection(_Section):
    listen: TcpListen = "127.0.0.1:8025"
    public_url: PublicUrl | None = None
    """What stands before the links that we mail, such as https://postern.help.example."""

    @property
    def links_begin(self) -> str:
        return self.public_url or f"http://{self.listen}"


class TlsSection(_Section):
    certificate: ExistingFile
    key: ExistingFile


class StoreSection(_Section):
    url: StoreUrl = "sqlite:///var/postern.db"
    connections: Annotated[int, Field(ge=1, le=200)] = 8
    """To PostgreSQL, for each process; SQLite has one writer."""


class TrustedRelay(_Section):
    peer: Network
    authserv_id: Annotated[str, Field(min_length=1)]
    """It writes its results under this name, and strips everybody else's that bear it."""


class TrustSection(_Section):
    peers: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    """Clients whose mail needs no further proof of its sender. Behind an MTA on the same host
    this must be `[]`: it would vouch for the whole Internet."""

    relays: tuple[TrustedRelay, ...] = ()
    """MTAs in front of us whose Authentication-Results we believe."""
    sealers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Domains whose ARC seals we believe: forwarders that check what they pass on."""


class DnsSection(_Section):
    servers: tuple[Address, ...] = ()
    """The system's where none is named."""
    port: Annotated[int, Field(ge=1, le=65535)] = 53
    budget_s: Annotated[float, Field(gt=0, le=30)] = 3.0
    """How long the look-ups for one mail may take together."""
    lookups: Annotated[int, Field(ge=1, le=200)] = 30


class RelaySection(_Section):
    url: RelayUrl | None = None
    """Where outgoing mail goes; without it, into `maildir`."""
    maildir: Path = Path("var/outbox")
    tls: Literal["opportunistic", "required", "none"] = "opportunistic"
    """Opportunistic: where it is offered, with any certificate. A login always requires it,
    unless this is "none"."""
    ca_file: ExistingFile | None = None
    """Who must have signed the relay's certificate, in PEM; unset, those that the system knows."""
    user: Annotated[str, Field(min_length=1)] | None = None
    password_file: ExistingFile | None = None
    """Its first line is the password."""
    connections: Annotated[int, Field(ge=1, le=20)] = 4

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        """The wording of each fault names the setting that has to change."""
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together; set both or none")
        parts = urlsplit(self.url or "")
        if parts.username and self.user:
            raise ValueError("user is set, and url names one too; leave it in one place")
        if parts.scheme == "smtps" and self.tls == "none":
            raise ValueError('tls = "none" contradicts url, which begins with smtps://')
        if self.tls == "none" and self.ca_file is not None:
            raise ValueError('ca_file has no effect with tls = "none"')
        return self


class DkimSection(_Section):
    """One key that outgoing mail is signed with."""

    domain: Domain
    """Mailboxes in it and in the domains below it are signed for."""
    selector: Selector
    key: ExistingFile
    """In PEM, RSA or Ed25519."""


class PoliciesSection(_Section):
    folder: Path | None = None
    """Policy files of your own, beside the shipped ones."""
    templates: Path | None = None
    """Words of your own for outgoing mails, instead of the shipped ones."""


class LimitsSection(_Section):
    mail_mib: Annotated[int, Field(ge=1, le=200)] = 25
    recipients: Annotated[int, Field(ge=1, le=1000)] = 100
    connections: Annotated[int, Field(ge=1, le=20_000)] = 500
    connections_per_peer: Annotated[int, Field(ge=1, le=20_000)] = 20
    in_flight_mib: Annotated[int, Field(ge=1, le=65_536)] = 256
    idle_s: Annotated[float, Field(gt=0, le=3600)] = 300
    refusal_s: Annotated[float, Field(gt=0, le=30)] = 1.0
    """An unproven sender is answered at a multiple of this time after his mail."""
    grace_s: Annotated[float, Field(gt=0, le=600)] = 30
    """How long a stop waits for mails that are on their way in."""


class LogSection(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class Config(BaseSettings):
    """Every setting of the program; `load` is the way to make one."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    smtp: SmtpSection = SmtpSection()
    lmtp: LmtpSection | None = None
    http: HttpSection = HttpSection()
    tls: TlsSection | None = None
    store: StoreSection = StoreSection()
    trust: TrustSection = TrustSection()
    dns: DnsSection = DnsSection()
    relay: RelaySection = RelaySection()
    dkim: tuple[DkimSection, ...] = ()
    policies: PoliciesSection = PoliciesSection()
    limits: LimitsSection = LimitsSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.smtp.tls_listen is not None and self.tls is None:
            raise ValueError("smtp.tls_listen needs [tls] with a certificate and its key")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file: one file serves many machines."""
        return env_settings, init_settings


def load(path: Path | None) -> Config:
    """The configuration of a file; without a name, of ./postern.toml where there is one.

    Raises ConfigRefused with every fault named. Variables such as POSTERN_STORE__URL go before
    the file.
    """
    chosen = path or DEFAULT_FILE
    if path is None and not chosen.exists():
        return _checked({}, ENVIRONMENT)
    try:
        text = text_of(chosen.read_bytes(), str(chosen))
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigRefused(str(chosen), [f"cannot be read: {error}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused(str(chosen), [f"not TOML: {error}"]) from error
    return _checked(values, str(chosen))


def _checked(values: dict[str, object], source: str) -> Config:
    if faults := _unreadable_variables():
        raise ConfigRefused(ENVIRONMENT, faults)
    try:
        # The values come from a file; mypy cannot know their types, pydantic checks them.
        return Config(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        faults, named = [], []
        for fault in error.errors(include_url=False):
            variable = _variable(fault["loc"])
            if variable in os.environ:
                named.append(explain(fault, Config, name=variable))
            else:
                faults.append(explain(fault, Config))
        raise ConfigRefused(ENVIRONMENT if named else source, named or faults) from error


def _variable(location: tuple[int | str, ...]) -> str:
    """The variable that would have set the value at a place."""
    names = itertools.takewhile(lambda part: isinstance(part, str), location)
    return ENVIRONMENT_PREFIX + "__".join(str(name).upper() for name in names)


def _unreadable_variables() -> list[str]:
    """Faults of variables that pydantic-settings would raise in words of its own."""
    faults = []
    for name, value in os.environ.items():
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        section, _, setting = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if section not in Config.model_fields:
            known = ", ".join(sorted(Config.model_fields))
            faults.append(f"unknown setting: {name} (sections: {known})")
        elif not setting or _takes_json(section, setting):
            try:
                json.loads(value)
            except ValueError:
                example = '["10.0.0.0/8"]' if setting else '{"listen": "127.0.0.1:25"}'
                faults.append(f"{name}: {value!r}: expected JSON, such as {example}")
    return faults


def _takes_json(section: str, setting: str) -> bool:
    """Whether a setting is a list."""
    annotation = Config.model_fields[section].annotation
    for model in (annotation, *typing.get_args(annotation)):
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(setting)
            return field is not None and typing.get_origin(field.annotation) is tuple
    return False
