"""The whole configuration as one frozen object; `load` checks it whole and names every fault."""

from __future__ import annotations

import itertools
import json
import os
import tomllib
import typing
from pathlib import Path
from typing import Self

from pydantic import (
    BaseModel,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.sections import (
    LOOPBACK,
    DkimSection,
    DnsSection,
    HttpSection,
    LimitsSection,
    LmtpSection,
    LogSection,
    OpenidSection,
    PoliciesSection,
    RelaySection,
    ServeSection,
    SmtpSection,
    StoreSection,
    TlsSection,
    TrustSection,
)
from rules.validation.messages import InvalidFile, explain, text_of

DEFAULT_FILE = Path("postern.toml")
DEFAULT_PID_FILE = Path("/run/postern/postern.pid")
"""Of a server whose store is on PostgreSQL."""
ENVIRONMENT_PREFIX = "POSTERN_"
ENVIRONMENT = "the environment"
CONFIG_VARIABLE = "POSTERN_CONFIG"
"""Names the configuration file where no option does; no setting of its own."""


class ConfigRefused(InvalidFile):
    """An invalid configuration; `str()` names the file, each key and what to do."""


class Config(BaseSettings):
    """Every setting of the program; create one with `load`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    smtp: SmtpSection = SmtpSection()
    lmtp: LmtpSection | None = None
    http: HttpSection = HttpSection()
    openid: OpenidSection | None = None
    tls: TlsSection | None = None
    store: StoreSection = StoreSection()
    trust: TrustSection = TrustSection()
    dns: DnsSection = DnsSection()
    relay: RelaySection = RelaySection()
    dkim: tuple[DkimSection, ...] = ()
    policies: PoliciesSection = PoliciesSection()
    limits: LimitsSection = LimitsSection()
    serve: ServeSection = ServeSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.smtp.tls_listen is not None and self.tls is None:
            raise ValueError("smtp.tls_listen needs [tls] with a certificate and its key")
        return self

    @property
    def pid_file(self) -> Path:
        """By which `postern reload` finds the server: by default beside the file of SQLite."""
        if self.serve.pid_file is not None:
            return self.serve.pid_file
        file = self.store.file
        return DEFAULT_PID_FILE if file is None else file.with_name(file.name + ".pid")

    def for_a_demo(self) -> Config:
        """The same, but mail from this machine is trusted, unless `trust` says what is."""
        if "trust" in self.model_fields_set:
            return self
        return self.model_copy(update={"trust": TrustSection(peers=LOOPBACK)})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment takes precedence over the file, so that one file serves many machines."""
        return env_settings, init_settings


def load(path: Path | None) -> Config:
    """The configuration of a file; for None of ./postern.toml, if it exists.

    Variables such as POSTERN_STORE__URL take precedence over the file. Raises ConfigRefused,
    which names every fault.
    """
    chosen = path or DEFAULT_FILE
    if path is None and not chosen.exists():
        return _checked({}, ENVIRONMENT)
    try:
        text = text_of(chosen.read_bytes(), str(chosen))
    except OSError as error:
        raise ConfigRefused(str(chosen), [f"cannot be read: {error}"]) from error
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # also for a number of more digits than Python reads
        raise ConfigRefused(str(chosen), [f"not valid TOML: {error}"]) from error
    except RecursionError:
        raise ConfigRefused(str(chosen), ["not valid TOML: nested too deep"]) from None
    return _checked(values, str(chosen))


def _checked(values: dict[str, object], source: str) -> Config:
    if faults := _unreadable_variables():
        raise ConfigRefused(ENVIRONMENT, faults)
    try:
        # The values come from a file; mypy cannot know their types, pydantic checks them.
        return Config(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        in_file, in_environment = [], []
        for fault in error.errors(include_url=False):
            variable = _variable(fault["loc"])
            if variable in os.environ:
                in_environment.append(explain(fault, Config, name=variable))
            else:
                in_file.append(explain(fault, Config))
        if in_environment:
            raise ConfigRefused(ENVIRONMENT, in_environment) from error
        raise ConfigRefused(source, in_file) from error


def _variable(location: tuple[int | str, ...]) -> str:
    """The variable that sets the value at a location."""
    names = itertools.takewhile(lambda part: isinstance(part, str), location)
    return ENVIRONMENT_PREFIX + "__".join(str(name).upper() for name in names)


def _unreadable_variables() -> list[str]:
    """Faults of variables for which pydantic-settings has an unclear message of its own."""
    faults = []
    for name, value in os.environ.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name == CONFIG_VARIABLE:
            continue
        section, _, setting = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if section not in Config.model_fields:
            known = ", ".join(sorted(Config.model_fields))
            faults.append(f"unknown setting: {name} (expected one of the sections: {known})")
        elif not setting or _takes_json(section, setting):
            try:
                json.loads(value)
            except ValueError:
                example = '["10.0.0.0/8"]' if setting else '{"listen": "127.0.0.1:25"}'
                faults.append(f"{name}: {value!r}: must be JSON, such as {example}")
    return faults


def _takes_json(section: str, setting: str) -> bool:
    """Whether a setting is a list, so that its variable must be JSON."""
    annotation = Config.model_fields[section].annotation
    for model in (annotation, *typing.get_args(annotation)):
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(setting)
            return field is not None and typing.get_origin(field.annotation) is tuple
    return False
