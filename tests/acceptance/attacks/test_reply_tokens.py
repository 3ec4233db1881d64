"""Ann's reply address in other people's hands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rules.sender.tokens import Keys
from storage.db.tables import ParticipantRow, table
from storage.registry.signing_keys import add_key
from tests.acceptance.attacks.attack import HELD, UNKNOWN
from tests.acceptance.attacks.mails import send_reply
from tests.acceptance.internet import (
    ANN,
    BOB,
    EVE,
    GIL,
    Target,
    a_mail,
    genuine_mail,
    signed_by,
)
from tests.acceptance.support_server import SUPPORT, Answer, eventually, filed
from tests.gateway.senders import rsa_key


class TestReplyToken:
    """Ann's token, used by other people and after changes."""

    @pytest.fixture
    def ticket(self, target: Target) -> int:
        return filed(target.send(genuine_mail(ANN), ANN))[1]

    def test_ann_herself_comments(self, target: Target, ticket: int) -> None:
        answer = send_reply(target, ANN, target.token(ticket, ANN))
        assert filed(answer)[1] == ticket
        assert target.journal()[-1].reason == "reply_token"

    def test_a_colleague_is_flagged_under_their_own_name(self, target: Target, ticket: int) -> None:
        send_reply(target, BOB, target.token(ticket, ANN))

        last = target.ticket(ticket).comments[-1]
        assert (last.author, last.visibility) == (BOB, "private")
        assert target.journal()[-1].reason == "not_a_participant"

    def test_a_user_of_another_company_is_held(self, target: Target, ticket: int) -> None:
        code, text = send_reply(target, GIL, target.token(ticket, ANN))

        assert_refused_or_held(target, ticket, f"{code} {text}", HELD, "foreign_company")

    def test_a_proven_stranger_is_flagged(self, target: Target, ticket: int) -> None:
        """For example a contractor to whom Ann forwarded a notice."""
        before = target.ticket(ticket)

        _, number = filed(send_reply(target, EVE, target.token(ticket, ANN)))

        after = target.ticket(number)
        last = after.comments[-1]
        assert number == ticket
        assert (last.author, last.visibility) == (EVE, "private")
        assert (after.members, after.summary.status) == (before.members, before.summary.status)
        assert target.journal()[-1].reason == "not_a_participant"
        assert EVE not in {notice.address for notice in target.notices()}

    def test_a_proven_stranger_is_flagged_though_strangers_are_held(self, holding: Target) -> None:
        _, ticket = filed(holding.send(genuine_mail(ANN), ANN))

        assert filed(send_reply(holding, EVE, holding.token(ticket, ANN)))[1] == ticket

    def test_a_proven_stranger_with_an_altered_token_is_refused(
        self, target: Target, ticket: int
    ) -> None:
        local, _, rest = target.token(ticket, ANN).partition("+")
        token = f"{local}+{'b' if rest[0] == 'a' else 'a'}{rest[1:]}"

        code, text = send_reply(target, EVE, token)

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_proven_stranger_is_refused_after_ann_was_removed(
        self, target: Target, ticket: int
    ) -> None:
        code, text = send_reply(target, EVE, token_of_removed_ann(target, ticket))

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_caught_mail_of_a_proven_stranger_is_refused(
        self, target: Target, ticket: int
    ) -> None:
        """Only a signature proves the author, and it covers another recipient than the token."""
        target.dns.records["s1._domainkey.partner.example", "TXT"] = [rsa_key(2048).record]
        raw = signed_by("partner.example", a_mail("pat@partner.example"))

        code, text = target.send(raw, to=target.token(ticket, ANN))

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_automatic_mail_of_a_proven_stranger_is_not_flagged(
        self, target: Target, ticket: int
    ) -> None:
        raw = a_mail(EVE, "Auto-Submitted: auto-replied")
        code, _ = target.send(raw, to=target.token(ticket, ANN))

        assert (code, target.journal()[-1].reason) == (250, "automatic")
        assert target.ticket(ticket).comments[-1].visibility == "folded"

    def test_an_unproven_stranger_is_refused(self, target: Target, ticket: int) -> None:
        raw = a_mail("una@unknown.example")
        code, text = target.send(raw, to=target.token(ticket, ANN))

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "stranger")

    def test_a_stranger_who_poses_as_a_colleague_is_refused(
        self, target: Target, ticket: int
    ) -> None:
        code, text = target.send(a_mail(BOB), to=target.token(ticket, ANN))

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "dmarc_reject")

    def test_a_stranger_who_poses_as_ann_is_refused(self, target: Target, ticket: int) -> None:
        code, text = target.send(a_mail(ANN), to=target.token(ticket, ANN))

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "dmarc_reject")

    def test_a_forged_automatic_reply_of_ann_is_refused(self, target: Target, ticket: int) -> None:
        raw = a_mail(ANN, "Auto-Submitted: auto-replied")
        code, text = target.send(raw, to=target.token(ticket, ANN))

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "dmarc_reject")

    def test_ann_opens_a_new_ticket_after_she_was_removed(
        self, target: Target, ticket: int
    ) -> None:
        token = token_of_removed_ann(target, ticket)

        assert filed(send_reply(target, ANN, token))[1] != ticket
        assert len(target.ticket(ticket).comments) == 1

    def test_a_stranger_who_poses_as_ann_is_refused_after_she_was_removed(
        self, target: Target, ticket: int
    ) -> None:
        token = token_of_removed_ann(target, ticket)

        code, text = target.send(a_mail(ANN), to=token)

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "dmarc_reject")

    def test_a_colleague_opens_a_new_ticket_after_ann_was_removed(
        self, target: Target, ticket: int
    ) -> None:
        token = token_of_removed_ann(target, ticket)

        assert filed(send_reply(target, BOB, token))[1] != ticket
        assert len(target.ticket(ticket).comments) == 1

    def test_old_and_new_tokens_work_after_key_rotation(self, target: Target, ticket: int) -> None:
        old = target.token(ticket, ANN)
        secret = b"a new key".ljust(32)
        target.write(lambda c: add_key(c, secret, datetime.now(UTC)))
        new = target.token(ticket, ANN)
        assert new != old

        def reaches(token: str) -> bool | None:
            return filed(send_reply(target, ANN, token))[1] == ticket or None

        assert eventually(lambda: reload_registry(target) and reaches(new))
        assert reaches(old)
        code, text = target.send(a_mail(BOB), to=old)
        assert f"{code} {text}".startswith(UNKNOWN)

    @pytest.mark.parametrize("number", [1, 200], ids=["known key id", "unknown key id"])
    def test_a_token_of_another_key_is_refused(
        self, target: Target, ticket: int, number: int
    ) -> None:
        token = target.token(ticket, ANN, Keys(number, {number: b"the attacker's"}))

        code, text = target.send(a_mail(ANN), to=token)
        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "dmarc_reject")
        assert filed(send_reply(target, ANN, token))[1] != ticket

    @pytest.mark.parametrize("at", [0, 1, 8, 16, 17, 18, 19, 20, 27, 34, 35])
    def test_an_altered_token_is_refused(self, target: Target, ticket: int, at: int) -> None:
        local, _, rest = target.token(ticket, ANN).partition("+")
        letters = "abcdefghijklmnopqrstuvwxyz234567"
        other = letters[letters.index(rest[at]) ^ 16]

        code, text = target.send(a_mail(ANN), to=f"{local}+{rest[:at]}{other}{rest[at + 1 :]}")

        assert_refused_or_held(target, ticket, f"{code} {text}", UNKNOWN, "dmarc_reject")

    def test_a_token_in_capitals_is_valid(self, target: Target, ticket: int) -> None:
        token = target.token(ticket, ANN).upper()
        assert filed(send_reply(target, ANN, token))[1] == ticket

    def test_a_token_at_another_mailbox_is_held(self, target: Target, ticket: int) -> None:
        token = target.token(ticket, ANN).replace(SUPPORT.partition("@")[0], "sales")

        # Her signed mail names support@ but is sent to sales@.
        code, text = target.send(genuine_mail(ANN), ANN, to=token)
        assert_refused_or_held(target, ticket, f"{code} {text}", HELD, "not_addressed")


def assert_refused_or_held(
    target: Target, ticket: int, reply: str, prefix: str, reason: str
) -> None:
    """Assert the reply, the reason, and that the ticket has only its first comment."""
    assert reply.startswith(prefix)
    assert target.journal()[-1].reason == reason
    assert len(target.ticket(ticket).comments) == 1


def token_of_removed_ann(target: Target, ticket: int) -> str:
    """Remove Ann from her ticket; her reply address."""
    token, members = target.token(ticket, ANN), table(ParticipantRow)
    gone = members.update().where(members.c.ticket_id == ticket).values(presence="removed")
    target.write(lambda c: c.execute(gone))
    return token


def reload_registry(target: Target) -> Answer:
    """Make the server reload the registry, by naming an unknown recipient."""
    with target.postern.client() as client:
        client.mail(ANN)
        code, text = client.rcpt("nobody@help.example")
    return code, text.decode()
