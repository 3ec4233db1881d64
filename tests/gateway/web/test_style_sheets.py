"""The style sheets: one palette, and no name of a colour that it does not have."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from gateway.web.style_sheets import COLOURS

STATIC = Path(str(resources.files("gateway.web"))) / "static"


def test_all_colours_are_in_one_sheet_in_light_and_dark_and_the_others_name_them() -> None:
    light, dark = (STATIC / COLOURS).read_text().split("@media (prefers-color-scheme: dark)")
    names = set(re.findall(r"(--[\w-]+):", light))
    others = {path.name: path.read_text() for path in STATIC.glob("*.css") if path.name != COLOURS}

    assert set(re.findall(r"(--[\w-]+):", dark)) == names
    assert {
        name for name, text in others.items() if re.search(r"#[0-9a-f]{3,8}\b|rgb", text)
    } == set()
    for name, text in others.items():
        own = set(re.findall(r"(--[\w-]+):", text))
        assert set(re.findall(r"var\((--[\w-]+)", text)) <= names | own, name
