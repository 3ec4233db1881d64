"""The walk of one mail, from outside: the real command, real sockets, both stores."""

from __future__ import annotations

import re
import shutil
import smtplib
import subprocess
from datetime import UTC, datetime

import pytest

from rules.people import Role
from storage.registry import api_tokens, mailboxes, people
from tests.acceptance.desk import SALES, SUPPORT, Desk, a_mail, counted, eventually, filed, id_of

HIGH, CRITICAL = "High", "Critical"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_nested_mail(sender: str, depth: int) -> bytes:
    """Multiparts within multiparts, and a line of text in the innermost."""
    head = a_mail(sender, mime_version="1.0", content_type='multipart/mixed; boundary="b0"')
    head = head.partition(b"\r\n\r\n")[0]
    parts = [
        f'--b{n}\r\nContent-Type: multipart/mixed; boundary="b{n + 1}"\r\n\r\n'
        for n in range(depth)
    ]
    text = f"--b{depth}\r\nContent-Type: text/plain\r\n\r\nDown here!\r\n"
    ends = [f"--b{n}--\r\n" for n in range(depth, -1, -1)]
    return head + b"\r\n\r\n" + "".join([*parts, text, *ends]).encode()


def a_mail_with_an_attachment(sender: str) -> bytes:
    return a_mail(
        sender,
        mime_version="1.0",
        content_type='multipart/mixed; boundary="cut"',
        text=(
            "--cut\r\nContent-Type: text/plain\r\n\r\nSee the log.\r\n"
            "--cut\r\nContent-Type: text/x-log\r\nContent-Transfer-Encoding: base64\r\n"
            'Content-Disposition: attachment; filename="printer.log"\r\n\r\nb3V0IG9mIGluaw==\r\n'
            "--cut--"
        ),
    )


class TestOpening:
    def test_a_registered_user_is_told_the_number_of_his_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()

        journal_id, number = filed(desk.send(a_mail(sender, subject="No ink"), sender))

        assert desk.ticket(number).summary.subject == "No ink"
        assert desk.ticket(number).comments[0].journal_id == journal_id

    @pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
    def test_swaks_opens_a_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        host, port = desk.running.smtp

        done = subprocess.run(
            f"swaks --server {host} --port {port} --helo client.example --from {sender} "
            f"--to {SUPPORT} --h-Subject Swaks".split(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        told = re.search(r"<-  (250) (2\.0\.0 .* filed as .*)", done.stdout)
        assert (done.returncode, told is not None) == (0, True), done.stdout
        assert told is not None
        _, number = filed((int(told[1]), told[2]))
        assert desk.ticket(number).summary.subject == "Swaks"

    def test_sendmail_of_smtplib_opens_a_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        raw = a_mail(sender)

        with smtplib.SMTP(*desk.running.smtp, timeout=30) as client:
            assert client.sendmail(sender, [SUPPORT], raw) == {}

        (entry,) = desk.journal(raw)
        assert entry.verdict == "opened"

    def test_a_stranger_is_refused_in_the_dialogue(self, desk: Desk) -> None:
        raw = a_mail("eve@evil.example")

        code, text = desk.send(raw, "eve@evil.example")

        assert (code, text[:6]) == (550, "5.7.1 ")
        assert [entry.reason for entry in desk.journal(raw)] == ["stranger"]

    def test_nothing_of_a_strangers_mail_is_kept(self, desk: Desk) -> None:
        raw = a_mail("eve@evil.example")
        desk.send(raw, "eve@evil.example")

        with pytest.raises(LookupError):
            desk.stored(raw)

    def test_a_stranger_cannot_learn_whether_a_ticket_exists(self, desk: Desk) -> None:
        number, message_id = desk.opened_by(desk.a_person())
        eve = "eve@evil.example"

        knowing = desk.send(a_mail(eve, subject=f"[#{number}]", in_reply_to=message_id), eve)

        assert knowing == desk.send(a_mail(eve), eve)

    def test_the_same_mail_twice_is_one_ticket_and_one_answer(self, desk: Desk) -> None:
        sender = desk.a_person()
        raw = a_mail(sender)

        first, second = desk.send(raw, sender), desk.send(raw, sender)

        assert first == second
        assert [entry.verdict for entry in desk.journal(raw)] == ["opened", "duplicate"]
        assert len(desk.ticket(filed(first)[1]).comments) == 1

    def test_the_same_mail_by_another_way_is_no_second_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        raw = a_mail(sender)
        first = desk.send(raw, sender)

        again = b"Received: from a.example by b.example; Mon, 2 Mar 2026 12:00:00 +0000\r\n" + raw
        status, pushed = desk.push(again, sender, SUPPORT, token=desk.token)

        assert status == 200
        assert pushed["reply"] == f"{first[0]} {first[1]}"

    def test_what_came_of_mails_shows_in_tail_and_explain(self, desk: Desk) -> None:
        sender, eve = desk.a_person(), "eve@evil.example"
        mail, unwanted = a_mail(sender), a_mail(eve)
        journal_id, number = filed(desk.send(mail, sender))
        desk.send(mail, sender)
        desk.send(unwanted, eve)

        tail = desk.running.run("tail", "--lines", "3").stdout.splitlines()
        explained = desk.running.run("explain", id_of(mail)).stdout

        assert [line.split()[2:5] for line in tail] == [
            ["opened", "new_request", f"#{number}"],
            ["duplicate", "seen_before", f"#{number}"],
            ["refused", "stranger", "-"],
        ]
        assert f"250 2.0.0 {journal_id} filed as #{number}" in explained
        assert f"received before as {journal_id}" in explained
        assert "not registered" in desk.running.run("explain", id_of(unwanted)).stdout


class TestThreading:
    def test_the_reply_to_the_acknowledgement_lands_on_the_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, _ = desk.opened_by(sender)
        received = desk.mail_to(sender)
        reply_to = str(received["Reply-To"])

        reply = a_mail(
            sender, "It is the blue one.", to=reply_to, references=received["Message-ID"]
        )
        answer = desk.send(reply, sender, reply_to)

        assert filed(answer)[1] == number
        assert desk.ticket(number).comments[1].text.strip() == "It is the blue one."
        assert desk.journal(reply)[0].reason == "reply_token"

    def test_our_message_id_alone_leads_to_the_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, _ = desk.opened_by(sender)

        reply = a_mail(sender, references=desk.mail_to(sender)["Message-ID"])

        assert filed(desk.send(reply, sender))[1] == number
        assert desk.journal(reply)[0].reason == "our_message_id"

    def test_an_answer_to_ones_own_mail_lands_on_its_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, message_id = desk.opened_by(sender)

        reply = a_mail(sender, in_reply_to=message_id)

        assert filed(desk.send(reply, sender))[1] == number
        assert desk.journal(reply)[0].reason == "known_message_id"

    def test_the_tag_in_the_subject_leads_to_the_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, _ = desk.opened_by(sender)

        reply = a_mail(sender, subject=f"News on [#{number}]")

        assert filed(desk.send(reply, sender))[1] == number
        assert desk.journal(reply)[0].reason == "subject_tag"

    def test_the_same_subject_is_no_thread(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, _ = desk.opened_by(sender, subject="Printer")

        assert filed(desk.send(a_mail(sender, subject="Re: Printer"), sender))[1] != number

    def test_an_out_of_office_reply_is_kept_and_triggers_nothing(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, _ = desk.opened_by(sender)
        reply_to = str(desk.mail_to(sender)["Reply-To"])

        absent = a_mail(sender, "Back on Monday.", to=reply_to, auto_submitted="auto-replied")
        code, text = desk.send(absent, sender, reply_to)

        assert (code, text.split()[-1]) == (250, "accepted")
        assert desk.journal(absent)[0].verdict == "recorded"
        assert desk.ticket(number).comments[1].visibility == "folded"
        assert len(desk.mails_to(sender)) == 1


class TestParticipants:
    def test_a_colleague_in_cc_joins_and_can_reply(self, desk: Desk) -> None:
        ann, bob = desk.a_person(), desk.a_person()
        number, message_id = desk.opened_by(ann, cc=bob)
        assert desk.presence(number, bob) == "active"

        reply = a_mail(bob, in_reply_to=message_id)

        assert filed(desk.send(reply, bob))[1] == number
        assert desk.ticket(number).comments[1].visibility == "public"

    def test_a_colleague_who_is_not_on_the_ticket_is_flagged(self, desk: Desk) -> None:
        ann, bob = desk.a_person(), desk.a_person()
        number, message_id = desk.opened_by(ann)

        reply = a_mail(bob, in_reply_to=message_id)

        assert filed(desk.send(reply, bob))[1] == number
        assert desk.ticket(number).comments[1].visibility == "private"
        assert desk.presence(number, bob) == ""

    def test_an_outsider_in_cc_is_pending(self, desk: Desk) -> None:
        number, _ = desk.opened_by(desk.a_person(), cc="Carl <carl@elsewhere.example>")

        assert desk.presence(number, "carl@elsewhere.example") == "pending"

    def test_a_user_of_another_company_in_cc_is_pending(self, desk: Desk) -> None:
        gil = desk.a_person("Globex")
        number, _ = desk.opened_by(desk.a_person(), cc=gil)

        assert desk.presence(number, gil) == "pending"

    def test_with_us_as_a_blind_copy_nobody_joins(self, desk: Desk) -> None:
        bob = desk.a_person()
        number, _ = desk.opened_by(desk.a_person(), to=bob)

        assert desk.presence(number, bob) == ""

    def test_staff_without_a_token_are_flagged(self, desk: Desk) -> None:
        sam = desk.a_person(staff=True)
        number, message_id = desk.opened_by(desk.a_person(), cc=sam)

        reply = a_mail(sam, in_reply_to=message_id)
        filed(desk.send(reply, sam))

        assert desk.journal(reply)[0].reason == "staff_without_token"
        assert desk.ticket(number).comments[1].visibility == "private"


class TestSeverity:
    @pytest.mark.parametrize(
        "claim",
        [
            {"subject": "[P1] Production is down"},
            {"subject": "Severity: critical"},
            {"text": "Priority: Sev1\r\n\r\nProduction is down."},
        ],
        ids=["tag", "subject", "text"],
    )
    def test_a_mail_that_claims_to_be_critical_opens_at_the_ceiling(
        self, desk: Desk, claim: dict[str, str]
    ) -> None:
        sender = desk.a_person()

        summary = desk.ticket(filed(desk.send(a_mail(sender, **claim), sender))[1]).summary

        assert (summary.severity, summary.severity_claimed) == (HIGH, CRITICAL)
        assert summary.critical_claimed

    def test_its_acknowledgement_begins_with_the_critical_channel(self, desk: Desk) -> None:
        sender = desk.a_person()
        desk.opened_by(sender, subject="[P1] Production is down")

        first, empty, second, *_ = desk.text_to(sender).splitlines()

        assert first.startswith("Please report critical problems by phone")
        assert (empty, second.partition(".")[0]) == ("", "You marked this as critical")

    def test_an_ordinary_acknowledgement_says_nothing_of_it(self, desk: Desk) -> None:
        sender = desk.a_person()
        number, _ = desk.opened_by(sender)

        text = desk.text_to(sender)

        assert "critical" not in text.lower()
        assert f"Your request is #{number}" in text


class TestContent:
    def test_an_attachment_is_listed_on_the_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()

        _, number = filed(desk.send(a_mail_with_an_attachment(sender), sender))

        (comment,) = desk.ticket(number).comments
        assert comment.text.strip() == "See the log."
        assert [(a.name, a.content_type, a.size_bytes) for a in comment.attachments] == [
            ("printer.log", "text/x-log", 10)
        ]

    def test_a_mail_that_cannot_be_read_becomes_a_degraded_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        raw = a_nested_mail(sender, depth=40)

        _, number = filed(desk.send(raw, sender))

        assert "32" in (desk.ticket(number).comments[0].degraded or "")
        assert desk.stored(raw) == raw

    def test_a_guessed_character_set_is_marked(self, desk: Desk) -> None:
        sender = desk.a_person()
        head, _, _ = a_mail(sender).partition(b"\r\n\r\n")

        _, guessed = filed(desk.send(head + b"\r\n\r\nM\xfcller\r\n", sender))
        _, known = filed(desk.send(a_mail(sender), sender))

        assert desk.ticket(guessed).comments[0].text.strip() == "Müller"
        assert desk.ticket(guessed).comments[0].charset_guessed
        assert not desk.ticket(known).comments[0].charset_guessed
        shown = desk.running.run("ticket", str(guessed)).stdout
        assert "Its character set is guessed" in shown

    def test_a_mail_just_not_too_deep_is_read(self, desk: Desk) -> None:
        sender = desk.a_person()

        _, number = filed(desk.send(a_nested_mail(sender, depth=20), sender))

        assert desk.ticket(number).comments[0].text.strip() == "Down here!"

    def test_the_raw_mail_is_kept_byte_by_byte(self, desk: Desk) -> None:
        sender = desk.a_person()
        raw = a_mail(sender, ".dot\r\n..dots\r\n \t\r\n\xff\u2028 end  ")
        raw += b"bytes of no charset: \xfe\xff\r\n\r\n"

        filed(desk.send(raw, sender))

        assert desk.stored(raw) == raw


class TestTwoMailboxes:
    def test_a_mail_to_both_opens_a_ticket_in_each(self, desk: Desk) -> None:
        sender = desk.a_person()
        desk.write(
            lambda c: people.add_person(c, mailboxes.mailbox_named(c, SALES), person(sender))
        )
        raw = a_mail(sender, to=f"{SUPPORT}, {SALES}")

        code, text = desk.send(raw, sender, SUPPORT, SALES)

        assert code == 250
        assert len(re.findall(r"filed as #\d+", text)) == 2
        assert {e.mailbox for e in desk.journal(raw)} == {SUPPORT, SALES}
        assert {e.verdict for e in desk.journal(raw)} == {"opened"}
        assert desk.stored(raw, SALES) == desk.stored(raw, SUPPORT) == raw

    def test_a_stranger_to_one_of_them_is_filed_by_the_other(self, desk: Desk) -> None:
        gil = desk.a_person("Globex")
        raw = a_mail(gil, to=f"{SUPPORT}, {SALES}")

        filed(desk.send(raw, gil, SALES, SUPPORT))

        assert {e.mailbox: e.verdict for e in desk.journal(raw)} == {
            SUPPORT: "opened",
            SALES: "refused",
        }

    def test_lmtp_gives_one_reply_for_each_recipient(self, desk: Desk) -> None:
        gil = desk.a_person("Globex")

        with smtplib.LMTP(*desk.lmtp, timeout=30) as client:
            client.ehlo("client.example")
            client.mail(gil)
            accepted = [client.rcpt(r)[0] for r in (SALES, SUPPORT, "nobody@help.example")]
            first, text = client.data(a_mail(gil, to=SUPPORT))
            second = client.getreply()

        assert accepted == [250, 250, 550]
        assert (first, text[:6]) == (550, b"5.7.1 ")
        filed((second[0], second[1].decode()))


def person(address: str) -> people.NewPerson:
    return people.NewPerson(address, "", Role.USER, "Acme")


class TestHttp:
    def test_a_mail_pushed_with_the_token_opens_a_ticket(self, desk: Desk) -> None:
        sender = desk.a_person()
        raw = a_mail(sender)

        status, pushed = desk.push(raw, sender, SUPPORT, token=desk.token)

        reply = pushed["reply"]
        assert status == 200
        assert pushed["recipients"] == [{"recipient": SUPPORT, "reply": reply}]
        _, number = filed((int(reply[:3]), reply[4:]))
        assert desk.ticket(number).summary.requester == sender
        assert desk.stored(raw) == raw

    def test_a_peer_that_is_no_address_is_named(self, desk: Desk) -> None:
        raw = a_mail("ann@acme.example")

        status, problem = desk.push(
            raw, "ann@acme.example", SUPPORT, token=desk.token, peer="mx.acme.example"
        )

        assert status == 400
        assert problem["error"].startswith("peer=mx.acme.example: write the client's IP address")

    def test_a_key_that_means_nothing_is_named(self, desk: Desk) -> None:
        raw = a_mail("ann@acme.example")

        status, problem = desk.push(
            raw, "ann@acme.example", SUPPORT, token=desk.token, per="192.0.2.7"
        )

        assert status == 400
        assert problem["error"] == "unknown key in the query: per (did you mean peer?)"
        assert desk.journal(raw) == []

    @pytest.mark.parametrize(
        "token", [None, "", "no-token-of-ours"], ids=["none", "empty", "other"]
    )
    def test_without_a_good_token_a_pushed_mail_is_not_taken(
        self, desk: Desk, token: str | None
    ) -> None:
        sender = desk.a_person()
        raw = a_mail(sender)

        status, problem = desk.push(raw, sender, SUPPORT, token=token)

        assert (status, list(problem)) == (401, ["error"])
        assert desk.journal(raw) == []

    def test_a_token_for_something_else_is_forbidden(self, desk: Desk) -> None:
        sender, token = desk.a_person(), f"read-only-{id(desk)}"
        desk.write(lambda c: api_tokens.add_api_token(c, token, "screen", "read", NOW))

        status, problem = desk.push(a_mail(sender), sender, SUPPORT, token=token)

        assert (status, problem) == (403, {"error": "this token is for read, not for mails"})

    def test_a_strangers_mail_is_unprocessable(self, desk: Desk) -> None:
        eve = "eve@evil.example"

        status, pushed = desk.push(a_mail(eve), eve, SUPPORT, token=desk.token)

        assert status == 422
        assert pushed["reply"].startswith("550 5.7.1 ")

    def test_a_mail_to_nobody_here_is_unprocessable(self, desk: Desk) -> None:
        sender = desk.a_person()

        status, pushed = desk.push(a_mail(sender), sender, "no@help.example", token=desk.token)

        assert status == 422
        assert pushed["reply"].startswith("550 5.1.1 ")

    def test_an_empty_body_is_a_bad_request(self, desk: Desk) -> None:
        status, problem = desk.push(b"", desk.a_person(), SUPPORT, token=desk.token)

        assert status == 400
        assert problem["error"].startswith("the body is empty")

    def test_a_mail_without_a_recipient_is_a_bad_request(self, desk: Desk) -> None:
        sender = desk.a_person()

        status, problem = desk.push(a_mail(sender), sender, token=desk.token)

        assert status == 400
        assert "rcpt" in problem["error"]

    def test_it_is_alive_and_ready(self, desk: Desk) -> None:
        assert desk.get("/healthz") == (200, '{"status": "alive"}')
        assert desk.get("/readyz") == (200, '{"status": "ready"}')

    def test_a_page_that_is_not_there_is_said_in_json(self, desk: Desk) -> None:
        assert desk.get("/api/v1/nothing") == (404, '{"error": "Not Found"}')

    def test_the_metrics_count_mails_by_what_became_of_them(self, desk: Desk) -> None:
        before = counted(desk.get("/metrics")[1])
        sender, eve = desk.a_person(), "eve@evil.example"
        raw = a_mail(sender)
        for _ in range(2):
            desk.send(raw, sender)
        desk.send(a_mail(eve), eve)
        desk.mail_to(sender)

        status, text = desk.get("/metrics")

        after = counted(text)
        assert status == 200
        assert {
            key: n - before.get(key, 0) for key, n in after.items() if n != before.get(key)
        } == {
            ("opened", "new_request"): 1,
            ("duplicate", "seen_before"): 1,
            ("refused", "stranger"): 1,
        }
        assert re.search(r"^postern_filing_seconds_count [1-9]", text, re.MULTILINE)
        assert eventually(
            lambda: re.search(
                r'^postern_notices_total\{outcome="sent"\} [1-9]',
                desk.get("/metrics")[1],
                re.MULTILINE,
            )
        )
