"""The shipped policies hold, and the constraint that no mail is critical is in the format."""

from __future__ import annotations

from importlib import resources

import pytest

from gateway import policies
from rules.policy import PolicyRefused, parse

DEFAULT = (resources.files("rules.policies") / "default.toml").read_text()


@pytest.mark.parametrize("name", sorted(policies.load(None)))
def test_a_shipped_policy_holds(name: str) -> None:
    assert policies.load(None)[name].levels[0].critical


@pytest.mark.parametrize("key", ["default", "ceiling"])
def test_no_default_and_no_ceiling_is_critical(key: str) -> None:
    broken = DEFAULT.replace(f"\n{key} = ", f'\n{key} = "Critical" # ', 1)

    with pytest.raises(PolicyRefused, match=f"{key} is a critical level"):
        parse(broken, "broken.toml")


def test_an_unknown_policy_is_named_with_a_near_one() -> None:
    with pytest.raises(PolicyRefused, match="did you mean default"):
        policies.named(policies.load(None), "defualt", "mailbox support@help.example")
