"""What other users of this machine may read: nothing that the program makes."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway import log
from gateway.config.model import DEFAULT_FILE, Config
from rules.validation.messages import without_password

OTHERS = 0o007
"""A group may be let in on purpose, everybody may not."""


def check(config: Config) -> None:
    """Warns of files of an older version, or made by hand, that every user may read."""
    _warn(_private(config))


def check_configuration(file: Path | None, config: Config) -> None:
    """Warns of a configuration that every user may read, if a password is in it."""
    given = (config.store.url, config.relay.url or "")
    secrets = [url for url in given if without_password(url) != url]
    if config.openid is not None and config.openid.client_secret is not None:
        secrets.append(config.openid.client_secret)
    path = file or DEFAULT_FILE
    try:
        text = path.read_text() if secrets else ""
    except OSError:  # there is none: all comes from the environment
        return
    _warn([path] if any(each in text for each in secrets) else [])


def _warn(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # not made yet
            continue
        if mode & OTHERS:
            log.loose_permissions(str(path), f"{mode:04o}")


def _private(config: Config) -> Iterator[Path]:
    file = config.store.file
    if file is not None:
        yield file
        for suffix in ("-wal", "-shm"):
            yield file.with_name(file.name + suffix)
    if config.relay.url is None:
        yield config.relay.maildir
        yield config.relay.maildir / "new"
    for each in config.dkim:
        yield each.key
    if config.tls is not None:
        yield config.tls.key
    if config.relay.password_file is not None:
        yield config.relay.password_file
    if config.openid is not None and config.openid.client_secret_file is not None:
        yield config.openid.client_secret_file
