"""What a message about a setting shows of it: never the password."""

from __future__ import annotations

import pytest

from rules.validation.messages import without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:geheim@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:ge/heim@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:ge@heim@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:ge heim@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:ge:heim@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("smtps://u:ge/heim@h:465", "smtps://u:***@h:465"),
        ("u:geheim@h", "u:***@h"),
        ("postgresql://h/db?user=u&password=geheim", "postgresql://h/db?user=u&password=***"),
        ("postgresql://h/db?password=geheim&user=u", "postgresql://h/db?password=***&user=u"),
    ],
)
def test_a_password_is_hidden_whatever_characters_it_has(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "text", ["sqlite:////var/lib/postern.db", "127.0.0.1:25", "postgresql://u@h:5432/db", "ann"]
)
def test_what_has_no_password_is_shown_as_it_is(text: str) -> None:
    assert without_password(text) == text
