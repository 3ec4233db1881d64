"""What an answer to the request for feedback says."""

from __future__ import annotations

import pytest

from rules.mail.trouble import says_trouble


@pytest.mark.parametrize(
    "text",
    [
        "It is broken again!",
        "Still the same error.",
        "It doesn’t work.",
        "Not really solved, the noise is back",
        "It does not work again.",
        "Geht leider schon wieder nicht.",
        "Das funktioniert noch immer nicht",
        "Toujours en panne",
        "Sigue sin funcionar",
        "Non funziona",
        "Het werkt niet",
        "Ainda não funciona",
    ],
)
def test_trouble_is_recognised(text: str) -> None:
    assert says_trouble(text)


@pytest.mark.parametrize(
    "text",
    [
        "Great help, thank you.",
        "It works again!",
        "Der Drucker geht wieder, danke",
        "Very fast. Ten out of ten.",
        "Fine.\n\n> It is still broken.",
        "",
    ],
)
def test_praise_is_no_trouble(text: str) -> None:
    assert not says_trouble(text)
