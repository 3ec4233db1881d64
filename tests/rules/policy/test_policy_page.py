"""docs/policies.md: its example is valid, and it describes every setting."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from rules.policy import Policy, parse

PAGE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("<!-- example -->\n```toml\n")[2].partition("```\n")[0]
EXPLAINED = {
    setting
    for line in PAGE.splitlines()
    if line.startswith("| `")
    for setting in re.findall(r"`([a-z_.]+)`", line.split(" | ")[0])
}


def settings(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every setting's name with its sections, as in an error but without the numbers."""
    for name, field in model.model_fields.items():
        section = section_in(field.annotation)
        if section is None:
            yield f"{above}{name}"
        else:
            yield from settings(section, f"{above}{name}.")


def section_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (section_in(inner) for inner in typing.get_args(annotation))
    return next((section for section in found if section is not None), None)


def test_the_example_is_valid() -> None:
    policy = parse(EXAMPLE, "docs/policies.md")

    assert policy.claim_patterns[0].pattern.search("All our maps are down")
    assert policy.fields[0].value_in("It is map no. 42") == "42"


@pytest.mark.parametrize("setting", sorted(settings(Policy)))
def test_every_setting_is_explained(setting: str) -> None:
    assert setting in EXPLAINED


def test_no_other_setting_is_explained() -> None:
    assert {name for name in EXPLAINED if "." in name} <= set(settings(Policy))
