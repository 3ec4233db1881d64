"""Finds policy files: the shipped ones, and those of the user's folder, which go before them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from rules.complaints import text_of
from rules.policy import Policy, PolicyRefused, parse

Policies = Mapping[str, Policy]


def load(folder: Path | None) -> Policies:
    """Every policy by its name. Raises PolicyRefused for the first file that does not hold."""
    found: dict[str, Policy] = {}
    shipped = resources.files("rules.policies")
    for entry in sorted(shipped.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            policy = parse(entry.read_text(encoding="utf-8"), entry.name)
            found[policy.name] = policy
    if folder is not None:
        found.update(_own(folder))
    return found


def _own(folder: Path) -> dict[str, Policy]:
    if not folder.is_dir():
        raise PolicyRefused(str(folder), ["policies.folder is no folder"])
    own: dict[str, Policy] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            policy = parse(text_of(path.read_bytes(), str(path)), str(path))
        except OSError as error:
            raise PolicyRefused(str(path), [f"cannot be read: {error}"]) from error
        if policy.name in own:
            raise PolicyRefused(str(path), [f"a second policy is called {policy.name!r}"])
        own[policy.name] = policy
    return own


def named(policies: Policies, name: str, wanted_by: str) -> Policy:
    """The policy of a name. Raises PolicyRefused with a near name where there is one."""
    if name in policies:
        return policies[name]
    near = difflib.get_close_matches(name, policies, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(policies))}"
    raise PolicyRefused(wanted_by, [f"no policy {name!r} ({hint})"])
