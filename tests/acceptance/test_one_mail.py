"""What happens to one mail, seen from outside: the real command, real sockets, both stores."""

from __future__ import annotations

import json
import re
import shutil
import smtplib
import subprocess
from datetime import UTC, datetime

import pytest

from rules.people import Role
from storage.registry.api_tokens import add_api_token
from storage.registry.mailboxes import mailbox_named
from storage.registry.people import NewPerson, add_person
from tests.acceptance.support_server import (
    SALES,
    SUPPORT,
    SupportServer,
    a_mail,
    eventually,
    filed,
    mail_counts,
    message_id_of,
)

HIGH, CRITICAL = "High", "Critical"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_nested_mail(sender: str, depth: int) -> bytes:
    """Nested multiparts with a line of text in the innermost."""
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
    def test_a_registered_user_gets_the_number_of_their_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()

        journal_id, number = filed(server.send(a_mail(sender, subject="No ink"), sender))

        assert server.ticket(number).summary.subject == "No ink"
        assert server.ticket(number).comments[0].journal_id == journal_id

    @pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
    def test_swaks_opens_a_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        host, port = server.postern.smtp

        done = subprocess.run(
            f"swaks --server {host} --port {port} --helo client.example --from {sender} "
            f"--to {SUPPORT} --h-Subject Swaks".split(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        reply = re.search(r"<-  (250) (2\.0\.0 .* filed as .*)", done.stdout)
        assert (done.returncode, reply is not None) == (0, True), done.stdout
        assert reply is not None
        _, number = filed((int(reply[1]), reply[2]))
        assert server.ticket(number).summary.subject == "Swaks"

    def test_sendmail_of_smtplib_opens_a_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        raw = a_mail(sender)

        with smtplib.SMTP(*server.postern.smtp, timeout=30) as client:
            assert client.sendmail(sender, [SUPPORT], raw) == {}

        (entry,) = server.journal(raw)
        assert entry.verdict == "opened"

    def test_a_stranger_is_refused_in_the_smtp_dialogue(self, server: SupportServer) -> None:
        raw = a_mail("eve@evil.example")

        code, text = server.send(raw, "eve@evil.example")

        assert (code, text[:6]) == (550, "5.7.1 ")
        assert [entry.reason for entry in server.journal(raw)] == ["stranger"]

    def test_a_stranger_s_mail_is_not_stored(self, server: SupportServer) -> None:
        raw = a_mail("eve@evil.example")
        server.send(raw, "eve@evil.example")

        with pytest.raises(LookupError):
            server.stored(raw)

    def test_a_stranger_cannot_learn_whether_a_ticket_exists(self, server: SupportServer) -> None:
        number, message_id = server.open_ticket(server.a_person())
        eve = "eve@evil.example"

        with_pointers = server.send(
            a_mail(eve, subject=f"[#{number}]", in_reply_to=message_id), eve
        )

        assert with_pointers == server.send(a_mail(eve), eve)

    def test_the_same_mail_twice_is_one_ticket_with_one_reply(self, server: SupportServer) -> None:
        sender = server.a_person()
        raw = a_mail(sender)

        first, second = server.send(raw, sender), server.send(raw, sender)

        assert first == second
        assert [entry.verdict for entry in server.journal(raw)] == ["opened", "duplicate"]
        assert len(server.ticket(filed(first)[1]).comments) == 1

    def test_the_same_mail_over_http_is_not_a_second_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        raw = a_mail(sender)
        first = server.send(raw, sender)

        again = b"Received: from a.example by b.example; Mon, 2 Mar 2026 12:00:00 +0000\r\n" + raw
        status, pushed = server.push(again, sender, SUPPORT, token=server.token)

        assert status == 200
        assert pushed["reply"] == f"{first[0]} {first[1]}"

    def test_tail_and_explain_show_the_results_of_mails(self, server: SupportServer) -> None:
        sender, eve = server.a_person(), "eve@evil.example"
        mail, strangers_mail = a_mail(sender), a_mail(eve)
        journal_id, number = filed(server.send(mail, sender))
        server.send(mail, sender)
        server.send(strangers_mail, eve)

        tail = server.postern.run("tail", "--lines", "3").stdout.splitlines()
        explained = server.postern.run("explain", message_id_of(mail)).stdout

        assert [line.split()[2:5] for line in tail] == [
            ["opened", "new_request", f"#{number}"],
            ["duplicate", "seen_before", f"#{number}"],
            ["refused", "stranger", "-"],
        ]
        assert f"250 2.0.0 {journal_id} filed as #{number}" in explained
        assert f"received before as {journal_id}" in explained
        assert (
            "not registered" in server.postern.run("explain", message_id_of(strangers_mail)).stdout
        )


class TestThreading:
    def test_a_reply_to_the_acknowledgement_becomes_a_comment(self, server: SupportServer) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender)
        received = server.mail_to(sender)
        reply_to = str(received["Reply-To"])

        reply = a_mail(
            sender, "It is the blue one.", to=reply_to, references=received["Message-ID"]
        )
        answer = server.send(reply, sender, reply_to)

        assert filed(answer)[1] == number
        assert server.ticket(number).comments[1].text.strip() == "It is the blue one."
        assert server.journal(reply)[0].reason == "reply_token"

    def test_our_message_id_alone_identifies_the_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender)

        reply = a_mail(sender, references=server.mail_to(sender)["Message-ID"])

        assert filed(server.send(reply, sender))[1] == number
        assert server.journal(reply)[0].reason == "our_message_id"

    def test_an_answer_to_the_customer_s_own_mail_becomes_a_comment(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()
        number, message_id = server.open_ticket(sender)

        reply = a_mail(sender, in_reply_to=message_id)

        assert filed(server.send(reply, sender))[1] == number
        assert server.journal(reply)[0].reason == "known_message_id"

    def test_the_tag_in_the_subject_identifies_the_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender)

        reply = a_mail(sender, subject=f"Re: [#{number}] News")

        assert filed(server.send(reply, sender))[1] == number
        assert server.journal(reply)[0].reason == "subject_tag"

    def test_the_tag_of_another_desk_opens_a_new_ticket_that_names_the_number(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender, subject="First")

        order = a_mail(sender, subject=f"[#{number}] Toner order from our own desk")

        opened = filed(server.send(order, sender))[1]
        assert opened != number
        assert server.ticket(opened).summary.mentions == number

    def test_what_a_reply_says_in_its_subject_is_shown_to_staff(
        self, server: SupportServer
    ) -> None:
        ann, sam = server.a_person(), server.a_person(staff=True)
        number, message_id = server.open_ticket(ann, subject="Heater")

        reply = a_mail(ann, "", subject="WG: Now it burns", in_reply_to=message_id)

        assert filed(server.send(reply, ann))[1] == number
        assert [c.subject for c in server.ticket(number).comments] == ["", "WG: Now it burns"]
        notice = eventually(
            lambda: next((m for m in server.mails_to(sam) if "burns" in m.as_string()), None)
        )
        assert notice["Subject"] == f"Re: [#{number}] Heater"

    def test_the_same_subject_alone_opens_a_new_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender, subject="Printer")

        assert filed(server.send(a_mail(sender, subject="Re: Printer"), sender))[1] != number

    def test_an_out_of_office_reply_is_recorded_and_causes_no_mail(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender)
        reply_to = str(server.mail_to(sender)["Reply-To"])

        out_of_office = a_mail(
            sender, "Back on Monday.", to=reply_to, auto_submitted="auto-replied"
        )
        code, text = server.send(out_of_office, sender, reply_to)

        assert (code, text.split()[-1]) == (250, "accepted")
        assert server.journal(out_of_office)[0].verdict == "recorded"
        assert server.ticket(number).comments[1].visibility == "folded"
        assert len(server.mails_to(sender)) == 1


class TestParticipants:
    def test_people_join_from_lists_that_only_a_person_can_read(
        self, server: SupportServer
    ) -> None:
        ann, bob, cat = server.a_person(), server.a_person(), server.a_person()
        for to in (
            f"{SUPPORT}; {bob}; {cat}",
            f"Bob <{bob}>; Cat <{cat}>; Support <{SUPPORT}>",
            f"Team: Bob <{bob}>, <mailto:{cat}>, {SUPPORT}",
            f"{bob} {cat} {SUPPORT}",
        ):
            number, _ = server.open_ticket(ann, to=to)
            assert server.presence(number, bob) == server.presence(number, cat) == "active"

    def test_a_colleague_in_cc_joins_and_can_reply(self, server: SupportServer) -> None:
        ann, bob = server.a_person(), server.a_person()
        number, message_id = server.open_ticket(ann, cc=bob)
        assert server.presence(number, bob) == "active"

        reply = a_mail(bob, in_reply_to=message_id)

        assert filed(server.send(reply, bob))[1] == number
        assert server.ticket(number).comments[1].visibility == "public"

    def test_a_colleague_who_is_not_on_the_ticket_is_flagged(self, server: SupportServer) -> None:
        ann, bob = server.a_person(), server.a_person()
        number, message_id = server.open_ticket(ann)

        reply = a_mail(bob, in_reply_to=message_id)

        assert filed(server.send(reply, bob))[1] == number
        assert server.ticket(number).comments[1].visibility == "private"
        assert server.presence(number, bob) == ""

    def test_an_outsider_in_cc_is_pending(self, server: SupportServer) -> None:
        number, _ = server.open_ticket(server.a_person(), cc="Carl <carl@elsewhere.example>")

        assert server.presence(number, "carl@elsewhere.example") == "pending"

    def test_a_user_of_another_company_in_cc_is_pending(self, server: SupportServer) -> None:
        gil = server.a_person("Globex")
        number, _ = server.open_ticket(server.a_person(), cc=gil)

        assert server.presence(number, gil) == "pending"

    def test_a_blind_copy_to_us_adds_no_participants(self, server: SupportServer) -> None:
        bob = server.a_person()
        number, _ = server.open_ticket(server.a_person(), to=bob)

        assert server.presence(number, bob) == ""

    def test_staff_without_a_token_are_flagged(self, server: SupportServer) -> None:
        sam = server.a_person(staff=True)
        number, message_id = server.open_ticket(server.a_person(), cc=sam)

        reply = a_mail(sam, in_reply_to=message_id)
        filed(server.send(reply, sam))

        assert server.journal(reply)[0].reason == "staff_without_token"
        assert server.ticket(number).comments[1].visibility == "private"


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
        self, server: SupportServer, claim: dict[str, str]
    ) -> None:
        sender = server.a_person()

        summary = server.ticket(filed(server.send(a_mail(sender, **claim), sender))[1]).summary

        assert (summary.severity, summary.severity_claimed) == (HIGH, CRITICAL)
        assert summary.critical_claimed

    def test_the_acknowledgement_of_a_critical_claim_begins_with_the_critical_channel(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()
        server.open_ticket(sender, subject="[P1] Production is down")

        first, empty, second, *_ = server.text_to(sender).splitlines()

        assert first.startswith("For critical problems, please use the way")
        assert (empty, second.partition(".")[0]) == ("", "You marked this as critical")

    def test_an_ordinary_acknowledgement_does_not_mention_critical(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()
        number, _ = server.open_ticket(sender)

        text = server.text_to(sender)

        assert "critical" not in text.lower()
        assert f"Your request is #{number}" in text


class TestContent:
    def test_an_attachment_is_listed_on_the_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()

        _, number = filed(server.send(a_mail_with_an_attachment(sender), sender))

        (comment,) = server.ticket(number).comments
        assert comment.text.strip() == "See the log."
        assert [(a.name, a.content_type, a.size_bytes) for a in comment.attachments] == [
            ("printer.log", "text/x-log", 10)
        ]

    def test_a_mail_that_cannot_be_parsed_becomes_a_degraded_ticket(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()
        raw = a_nested_mail(sender, depth=40)

        _, number = filed(server.send(raw, sender))

        assert "32" in (server.ticket(number).comments[0].degraded or "")
        assert server.stored(raw) == raw

    def test_a_guessed_character_set_is_marked(self, server: SupportServer) -> None:
        sender = server.a_person()
        head, _, _ = a_mail(sender).partition(b"\r\n\r\n")

        _, guessed = filed(server.send(head + b"\r\n\r\nM\xfcller\r\n", sender))
        _, known = filed(server.send(a_mail(sender), sender))

        assert server.ticket(guessed).comments[0].text.strip() == "Müller"
        assert server.ticket(guessed).comments[0].charset_guessed
        assert not server.ticket(known).comments[0].charset_guessed
        shown = server.postern.run("ticket", str(guessed)).stdout
        assert "The character set is guessed" in shown

    def test_a_mail_nested_below_the_limit_is_parsed(self, server: SupportServer) -> None:
        sender = server.a_person()

        _, number = filed(server.send(a_nested_mail(sender, depth=20), sender))

        assert server.ticket(number).comments[0].text.strip() == "Down here!"

    def test_the_raw_mail_is_stored_byte_for_byte(self, server: SupportServer) -> None:
        sender = server.a_person()
        raw = a_mail(sender, ".dot\r\n..dots\r\n \t\r\n\xff\u2028 end  ")
        raw += b"bytes of no charset: \xfe\xff\r\n\r\n"

        filed(server.send(raw, sender))

        assert server.stored(raw) == raw


class TestTwoMailboxes:
    def test_a_mail_to_both_opens_a_ticket_in_each(self, server: SupportServer) -> None:
        sender = server.a_person()
        server.write(lambda c: add_person(c, mailbox_named(c, SALES), user_of_acme(sender)))
        raw = a_mail(sender, to=f"{SUPPORT}, {SALES}")

        code, text = server.send(raw, sender, SUPPORT, SALES)

        assert code == 250
        assert len(re.findall(r"filed as #\d+", text)) == 2
        assert {e.mailbox for e in server.journal(raw)} == {SUPPORT, SALES}
        assert {e.verdict for e in server.journal(raw)} == {"opened"}
        assert server.stored(raw, SALES) == server.stored(raw, SUPPORT) == raw

    def test_a_user_of_one_mailbox_is_a_stranger_to_the_other(self, server: SupportServer) -> None:
        gil = server.a_person("Globex")
        raw = a_mail(gil, to=f"{SUPPORT}, {SALES}")

        code, text = server.send(raw, gil, SALES, SUPPORT)

        assert code == 250
        assert len(re.findall(r"filed as #\d+", text)) == 1
        # The one reply is no refusal, so the other keeps the mail for its staff.
        assert {e.mailbox: (e.verdict, e.reason) for e in server.journal(raw)} == {
            SUPPORT: ("opened", "new_request"),
            SALES: ("held", "stranger_relayed"),
        }

    def test_lmtp_gives_one_reply_for_each_recipient(self, server: SupportServer) -> None:
        gil = server.a_person("Globex")

        with smtplib.LMTP(*server.lmtp, timeout=30) as client:
            client.ehlo("client.example")
            client.mail(gil)
            accepted = [client.rcpt(r)[0] for r in (SALES, SUPPORT, "nobody@help.example")]
            first, text = client.data(a_mail(gil, to=SUPPORT))
            second = client.getreply()

        assert accepted == [250, 250, 550]
        assert (first, text[:6]) == (550, b"5.7.1 ")
        filed((second[0], second[1].decode()))


def user_of_acme(address: str) -> NewPerson:
    return NewPerson(address, "", Role.USER, "Acme")


class TestHttp:
    def test_a_mail_pushed_with_the_token_opens_a_ticket(self, server: SupportServer) -> None:
        sender = server.a_person()
        raw = a_mail(sender)

        status, pushed = server.push(raw, sender, SUPPORT, token=server.token)

        reply = pushed["reply"]
        assert status == 200
        assert pushed["recipients"] == [{"recipient": SUPPORT, "reply": reply}]
        _, number = filed((int(reply[:3]), reply[4:]))
        assert server.ticket(number).summary.requester == sender
        assert server.stored(raw) == raw

    def test_a_peer_that_is_not_an_ip_address_is_reported(self, server: SupportServer) -> None:
        raw = a_mail("ann@acme.example")

        status, problem = server.push(
            raw, "ann@acme.example", SUPPORT, token=server.token, peer="mx.acme.example"
        )

        assert status == 400
        assert problem["detail"].startswith(
            "peer='mx.acme.example': must be the client's IP address"
        )

    def test_an_unknown_query_key_is_reported(self, server: SupportServer) -> None:
        raw = a_mail("ann@acme.example")

        status, problem = server.push(
            raw, "ann@acme.example", SUPPORT, token=server.token, per="192.0.2.7"
        )

        assert status == 400
        assert problem["detail"] == "unknown query parameter: per (did you mean peer?)"
        assert server.journal(raw) == []

    @pytest.mark.parametrize(
        "token", [None, "", "no-token-of-ours"], ids=["none", "empty", "other"]
    )
    def test_a_pushed_mail_without_a_valid_token_is_refused(
        self, server: SupportServer, token: str | None
    ) -> None:
        sender = server.a_person()
        raw = a_mail(sender)

        status, problem = server.push(raw, sender, SUPPORT, token=token)

        assert (status, problem["title"]) == (401, "Unauthorized")
        assert server.journal(raw) == []

    def test_a_token_of_another_scope_is_forbidden(self, server: SupportServer) -> None:
        sender, token = server.a_person(), f"read-only-{id(server)}"
        server.write(lambda c: add_api_token(c, token, "screen", "read", NOW))

        status, problem = server.push(a_mail(sender), sender, SUPPORT, token=token)

        assert (status, problem["detail"]) == (403, "this token is for read, not for mails")

    def test_a_stranger_s_pushed_mail_is_unprocessable(self, server: SupportServer) -> None:
        eve = "eve@evil.example"

        status, pushed = server.push(a_mail(eve), eve, SUPPORT, token=server.token)

        assert status == 422
        assert pushed["reply"].startswith("550 5.7.1 ")

    def test_a_pushed_mail_to_an_unknown_mailbox_is_unprocessable(
        self, server: SupportServer
    ) -> None:
        sender = server.a_person()

        status, pushed = server.push(a_mail(sender), sender, "no@help.example", token=server.token)

        assert status == 422
        assert pushed["reply"].startswith("550 5.1.1 ")

    def test_an_empty_body_is_a_bad_request(self, server: SupportServer) -> None:
        status, problem = server.push(b"", server.a_person(), SUPPORT, token=server.token)

        assert status == 400
        assert problem["detail"].startswith("the body is empty")

    def test_a_mail_without_a_recipient_is_a_bad_request(self, server: SupportServer) -> None:
        sender = server.a_person()

        status, problem = server.push(a_mail(sender), sender, token=server.token)

        assert status == 400
        assert "rcpt" in problem["detail"]

    def test_the_health_pages_report_alive_and_ready(self, server: SupportServer) -> None:
        assert server.get("/healthz") == (200, '{"status": "alive"}')
        assert server.get("/readyz") == (200, '{"status": "ready"}')

    def test_a_missing_page_is_reported_in_json(self, server: SupportServer) -> None:
        status, body = server.get("/api/v1/nothing")
        expected = {"title": "Not Found", "status": 404, "detail": "Not Found"}
        assert (status, json.loads(body)) == (404, expected)

    def test_the_metrics_count_mails_by_verdict_and_reason(self, server: SupportServer) -> None:
        before = mail_counts(server.get("/metrics")[1])
        sender, eve = server.a_person(), "eve@evil.example"
        raw = a_mail(sender)
        for _ in range(2):
            server.send(raw, sender)
        server.send(a_mail(eve), eve)
        server.mail_to(sender)

        status, text = server.get("/metrics")

        after = mail_counts(text)
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
                server.get("/metrics")[1],
                re.MULTILINE,
            )
        )
