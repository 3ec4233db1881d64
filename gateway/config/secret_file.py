"""Passwords and other secrets that the configuration leaves in files of their own."""

from __future__ import annotations

from pathlib import Path

from rules.validation.messages import InvalidFile


class SecretRefused(InvalidFile):
    """A file without its secret; `str()` names the setting, the file and what to do."""


def first_line(file: Path, setting: str) -> str:
    """The secret, which is the first line. Raises SecretRefused if it cannot be read."""
    try:
        first = file.read_text(encoding="utf-8").split("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        fault = f"{file} cannot be read: {getattr(error, 'strerror', 'it is not UTF-8')}"
        raise SecretRefused(setting, [fault]) from error
    if not first:
        raise SecretRefused(setting, [f"{file}: its first line is empty"])
    return first
