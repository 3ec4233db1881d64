"""The services of a server, for the commands that decide a mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway import log_output
from gateway.cli.common import load_config
from gateway.services import Services, open_services


@asynccontextmanager
async def command_services(path: Path | None) -> AsyncIterator[Services]:
    """The services of a server, for one command; only errors are logged."""
    config = load_config(path)
    log_output.configure("error", config.log.format)
    async with open_services(config) as services:
        yield services
