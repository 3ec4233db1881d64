"""The HTML of a staff person's comment shows no command line, and no less than its text."""

from __future__ import annotations

import pytest

from rules.commands.readable_html import readable_html
from rules.mail.markup import pieces, text_of


def shown(html: str, text: str, of_mail: str) -> str | None:
    found = readable_html(pieces(html), [], text, of_mail, mail_of_staff=True, outside=False)
    return None if found is None else " ".join(text_of(found[0]).split())


def test_commands_at_the_head_are_cut_off() -> None:
    text = "#status closed\n\nHello Ann, it prints."
    html = "<p>#status closed</p><p>Hello Ann, it <b>prints</b>.</p>"

    assert shown(html, text, text) == "Hello Ann, it prints."


@pytest.mark.parametrize("below", ["They did not pay.", "Please note that they did not pay."])
def test_with_a_command_below_other_text_only_the_text_is_shown(below: str) -> None:
    text = f"Hello Ann,\n\n#note\n{below}"

    assert shown(f"<p>Hello Ann,</p><p>#note<br>{below}</p>", text, text) is None


def test_with_a_saved_reply_before_it_only_the_text_is_shown() -> None:
    mail = "#macro hi\n\nIt prints."
    html = "<p>#macro hi</p><p>It prints.</p>"

    assert shown(html, "Good morning, Ann.\n\nIt prints.", mail) is None
