"""The receipt of a draft: the text with its commands first, ready to be sent again."""

from __future__ import annotations

from dataclasses import replace

from rules.mail.quoting import REPLY_MARK
from rules.sentence import sentence
from rules.ticket.notices import NoticeKind
from rules.ticket.payloads import ReceiptPayload, ReceiptText
from rules.ticket.visibility import Visibility
from storage.notices.comments import NoticeComment
from tests.gateway.outgoing.notices import COMMENT, a_notice, html_of, text_of, written
from tests.rules.building import SAM

TEXT = f"Hello Ann,\n\n#note\nThey did not pay.\n\n> {REPLY_MARK}\n> A secret of ours.\n"
REFUSED = ReceiptPayload(
    ReceiptText.NOTHING_DONE, sentences=(sentence("#{ticket} is deleted", ticket=7),)
)


def test_the_commands_of_a_draft_stand_first_in_its_receipt() -> None:
    draft = replace(
        COMMENT, author=SAM.address, by_staff=True, visibility=Visibility.PRIVATE, text=TEXT
    )
    mail = written(NoticeKind.RECEIPT, payload=REFUSED, comment=draft, address=SAM.address)

    for shown in (text_of(mail), html_of(mail)):
        assert shown.index("#note") < shown.index("Hello Ann") < shown.index("They did not pay.")
    assert "Nothing was done, and nothing was published" in text_of(mail)


def test_a_published_comment_shows_no_command_line_wherever_it_stands() -> None:
    comment = replace(COMMENT, author=SAM.address, by_staff=True, text=TEXT)
    mail = written(NoticeKind.COMMENT, comment=comment)

    for shown in (text_of(mail), html_of(mail)):
        assert "#note" not in shown
        assert "They did not pay." in shown
    assert a_notice(NoticeKind.COMMENT).comment is not None


def test_marked_lines_are_left_out_of_mails_and_stay_where_staff_wrote_in_the_console() -> None:
    ours = replace(COMMENT, author=SAM.address, by_staff=True)
    between = replace(ours, text="It says\n> paper jam\nbut there is none.")
    alone = replace(ours, text="> paper jam")

    def shown(comment: NoticeComment, *, by_mail: bool) -> bool:
        mail = written(NoticeKind.COMMENT, comment=replace(comment, by_mail=by_mail))
        return "paper jam" in text_of(mail)

    assert not shown(between, by_mail=True)
    assert not shown(alone, by_mail=True)
    assert shown(between, by_mail=False)
    assert shown(alone, by_mail=False)
