"""A genuine mail in an attacker's hands, who sends it again or first, with or without changes."""

from __future__ import annotations

import re

import pytest

from rules.mail import Mailbox
from rules.people import Role
from rules.sender.tokens import return_path
from storage.db.database import Connection
from storage.registry.companies import add_company
from storage.registry.people import NewPerson, add_person
from tests.acceptance.attacks.attack import UNKNOWN
from tests.acceptance.attacks.mails import (
    replace_once,
    unix_time_in,
    with_relay_results,
    with_respelt_signature,
)
from tests.acceptance.internet import (
    ANN,
    BOB,
    EVE,
    GIL,
    HANK,
    SAM,
    THIS_HOST,
    ULA,
    Target,
    a_mail,
    genuine_mail,
    signed_by,
)
from tests.acceptance.support_server import SALES, SUPPORT, filed
from tests.gateway.senders import ed25519_key, forged_signatures, rsa_key, signed


class TestReplay:
    def test_a_replay_to_the_same_mailbox_is_a_repeat(self, target: Target) -> None:
        raw = genuine_mail(ANN)
        first = target.send(raw, ANN)
        before = target.counts()

        assert target.send(b"Received: from evil.example\r\n" + raw, EVE) == first
        assert target.counts() == before
        assert target.journal()[-1].reason == "seen_before"

    def test_a_replay_to_a_mailbox_where_the_author_is_not_enrolled_is_refused(
        self, target: Target
    ) -> None:
        raw = genuine_mail(GIL)
        target.send(raw, GIL)
        before = target.counts()

        code, text = target.send(raw, EVE, to=SALES)

        assert f"{code} {text}".startswith(UNKNOWN)
        assert target.counts() == before
        assert target.journal()[-1].reason == "stranger"

    def test_signed_mail_to_the_postmaster_is_filed_in_the_mailbox_that_takes_it(
        self, target: Target
    ) -> None:
        postmaster = "postmaster@help.example"
        plain = replace_once(a_mail(ANN), f"To: {SUPPORT}".encode(), f"To: {postmaster}".encode())
        raw = signed_by("acme.example", plain)

        target.send(raw, EVE, to=SALES)
        assert target.journal()[-1].reason == "not_addressed"

        filed(target.send(raw, EVE, to=postmaster))

    def test_a_replay_to_another_mailbox_of_the_author_is_held(self, target: Target) -> None:
        raw = genuine_mail(ANN)
        target.send(raw, ANN)
        before = target.counts()

        target.send(raw, EVE, to=SALES)

        assert target.counts() == before

    def test_a_replay_with_a_respelt_signature_is_a_repeat(self, target: Target) -> None:
        raw = genuine_mail(ANN)
        first = target.send(raw, ANN)
        before = target.counts()

        assert with_respelt_signature(raw) != raw
        assert target.send(with_respelt_signature(raw), EVE) == first
        assert target.counts() == before

    def test_a_replay_without_one_of_two_signatures_is_a_repeat(self, target: Target) -> None:
        plain = a_mail(ANN)
        edwards = signed(plain, "acme.example", ed25519_key(), selector="ed").removesuffix(plain)
        rsa = signed_by("acme.example", plain).removesuffix(plain)
        first = target.send(edwards + rsa + plain, ANN)
        before = target.counts()

        assert target.send(edwards + plain, EVE) == first
        assert target.send(rsa + plain, EVE) == first
        assert target.counts() == before

    def test_a_replay_from_another_host_is_a_repeat(self, target: Target) -> None:
        """The first came from a host of the domain, so its Subject counted without a signature."""
        target.dns.records["s1._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
        raw = signed_by("hooli.example", a_mail(HANK), signs=("from", "to", "message-id", "date"))
        first = target.send(raw, HANK)
        before = target.counts()

        assert target.send(raw, EVE) == first
        assert target.counts() == before

    def test_a_week_old_mail_from_a_host_of_its_author_is_a_repeat(self, target: Target) -> None:
        """SPF still proves it, and it is recognised as the same mail."""
        target.dns.records["s1._domainkey.hooli.example", "TXT"] = [rsa_key(2048).record]
        raw = signed_by("hooli.example", a_mail(HANK), tags={"t": unix_time_in(-8 * 86_400)})
        first = target.send(raw, HANK)

        assert target.send(b"X-Any: thing\r\n" + raw, HANK) == first

    def test_a_caught_mail_to_the_token_of_another_ticket_opens_a_new_one(
        self, target: Target
    ) -> None:
        """A mail of Ann's that we have not received yet, sent by a participant of her ticket."""
        _, ticket = filed(target.send(genuine_mail(ANN), ANN))
        caught = genuine_mail(ANN, text="Please close it.")

        _, opened = filed(target.send(caught, EVE, to=target.token(ticket, ANN)))

        assert opened != ticket
        assert len(target.ticket(ticket).comments) == 1

    @pytest.mark.parametrize("author", [ANN, HANK], ids=["by signature", "by SPF"])
    def test_an_earlier_copy_with_the_null_reverse_path_does_not_replace_the_mail(
        self, target: Target, author: str
    ) -> None:
        raw = genuine_mail(author) if author == ANN else a_mail(author)
        target.send(raw, "")
        assert target.journal()[-1].verdict == "recorded"

        filed(target.send(raw, author))

    def test_an_earlier_copy_at_a_return_path_does_not_replace_the_mail(
        self, target: Target
    ) -> None:
        """An added field makes a report of it, and Gil has the return path of his own notice."""
        filed(target.send(genuine_mail(GIL), GIL))
        notice = next(n for n in target.notices() if n.address == GIL)
        path = return_path(target.keys, target.mailbox.id, SUPPORT, notice.id)
        raw = genuine_mail(ANN, text="Our payment server burns.")
        added = f"X-Failed-Recipients: {GIL}\r\n".encode()

        target.send(added + raw, EVE, to=path)
        assert target.journal()[-1].reason == "bounce"

        first = target.send(raw, ANN)
        _, ticket = filed(first)
        assert "payment server" in target.ticket(ticket).comments[0].text
        assert target.send(added + raw, EVE, to=path) == first

    @pytest.mark.parametrize("is_machine", [True, False], ids=["a machine's", "a person's"])
    def test_an_earlier_copy_of_automatic_mail_at_a_return_path_does_not_replace_the_mail(
        self, target: Target, is_machine: bool
    ) -> None:
        """What a program signed is recorded there under nobody's name, and shown to nobody."""
        filed(target.send(genuine_mail(GIL), GIL))
        notice = next(n for n in target.notices() if n.address == GIL)
        path = return_path(target.keys, target.mailbox.id, SUPPORT, notice.id)
        author = "monitor@acme.example" if is_machine else ANN
        if is_machine:
            new = NewPerson(author, "", Role.USER, "Acme", machine=True)
            mailbox = target.mailbox
            target.write(lambda c: add_person(c, mailbox, new))
        marked = a_mail(author, "Auto-Submitted: auto-generated", text="Our payment server burns.")
        covered = ("from", "to", "subject", "date", "message-id", "auto-submitted")
        raw = signed_by("acme.example", marked, signs=covered)

        target.send(raw, EVE, to=path)
        assert target.journal()[-1].reason == "automatic"

        first = target.send(raw, author)
        entry = target.journal()[-1]
        expected = ("opened", "new_request") if is_machine else ("held", "automatic_unclear")
        assert (entry.verdict, entry.reason) == expected
        assert target.send(raw, EVE, to=path) == first

    def test_an_earlier_unproven_copy_does_not_replace_the_mail(self, holding: Target) -> None:
        """quarantined.example publishes p=quarantine and sends from the attacker's address."""
        quinn = "quinn@quarantined.example"
        holding.dns.records["_dmarc.quarantined.example", "TXT"] = ["v=DMARC1; p=quarantine"]
        holding.dns.records["quarantined.example", "TXT"] = [THIS_HOST]
        mailbox = holding.mailbox
        holding.write(lambda c: enrol(c, mailbox, quinn))
        raw = a_mail(quinn)
        holding.send(raw, EVE)
        assert holding.journal()[-1].reason == "dmarc_quarantine"

        filed(holding.send(raw, quinn))

    def test_an_unsigned_pointer_to_another_ticket_is_ignored(self, target: Target) -> None:
        victim = genuine_mail(ANN)
        _, number = filed(target.send(victim, ANN))
        other = genuine_mail(ANN, text="About something else.")
        target.send(other, ANN)
        pointer = next(line for line in victim.split(b"\r\n") if line.startswith(b"Message-ID"))

        target.send(b"In-Reply-To:" + pointer.partition(b":")[2] + b"\r\n" + other, EVE)

        assert len(target.ticket(number).comments) == 1

    def test_an_unsigned_subject_is_ignored(self, target: Target) -> None:
        _, number = filed(target.send(genuine_mail(ANN), ANN))
        covered = ("from", "to", "message-id", "date")
        caught = signed_by("acme.example", a_mail(ANN, text="Close it."), signs=covered)
        lines = [
            f"Subject: [#{number}] pump".encode() if line.startswith(b"Subject:") else line
            for line in caught.split(b"\r\n")
        ]

        _, opened = filed(target.send(b"\r\n".join(lines), EVE))

        assert opened != number
        assert len(target.ticket(number).comments) == 1
        assert target.ticket(opened).summary.mentions is None


class TestChosenMessageIds:
    """A Message-ID is chosen by its sender: Gil of another company gives his mail that of Ann's."""

    @pytest.mark.parametrize("first", [ANN, GIL])
    def test_a_reply_goes_to_the_ticket_that_its_sender_may_see(
        self, target: Target, first: str
    ) -> None:
        opened, written = {}, a_mail(ANN)
        message_id = re.search(rb"<[^>]+>", written[written.index(b"Message-ID") :])
        assert message_id is not None
        for author in (first, GIL if first == ANN else ANN):
            raw = re.sub(
                rb"(?m)^Message-ID: .*?\r$", b"Message-ID: %b\r" % message_id[0], a_mail(author)
            )
            _, opened[author] = filed(target.send(signed_by(author.partition("@")[2], raw), author))

        signs = ("from", "to", "subject", "date", "message-id", "in-reply-to")
        field = f"In-Reply-To: {message_id[0].decode()}"
        target.send(signed_by("acme.example", a_mail(BOB, field), signs=signs), BOB)
        assert (target.journal()[-1].verdict, target.journal()[-1].ticket) == (
            "flagged",
            opened[ANN],
        )
        target.send(signed_by("acme.example", a_mail(ANN, field), signs=signs), ANN)
        assert target.journal()[-1].ticket == opened[ANN]

        assert len(target.ticket(opened[GIL]).comments) == 1

    def test_an_id_that_another_company_named_before_leads_to_no_ticket_of_theirs(
        self, target: Target
    ) -> None:
        signs = ("from", "to", "subject", "date", "message-id", "references")
        raw = a_mail(ANN)
        message_id = re.search(rb"<[^>]+>", raw[raw.index(b"Message-ID") :])
        assert message_id is not None
        naming = a_mail(GIL, f"References: {message_id[0].decode()}")
        _, named = filed(target.send(signed_by("globex.example", naming, signs=signs), GIL))

        _, opened = filed(target.send(signed_by("acme.example", raw), ANN))

        assert opened != named

    def test_the_id_of_a_mail_that_ann_has_does_not_lead_her_to_their_ticket(
        self, target: Target
    ) -> None:
        """Gil gives his mail the id of a newsletter, and names Ann in Cc."""
        raw = with_cc(with_message_id(a_mail(GIL), "<letter@paper.example>"), ANN)
        _, theirs = filed(target.send(signed_by("globex.example", raw, signs=WITH_CC), GIL))

        forward = a_mail(ANN, "References: <letter@paper.example>")
        _, anns = filed(target.send(signed_by("acme.example", forward, signs=WITH_CC), ANN))

        assert target.ticket(anns).summary.mentions == theirs
        assert len(target.ticket(theirs).comments) == 1

    @pytest.mark.parametrize("named", [ANN, SAM])
    @pytest.mark.parametrize("way", ["reply address", "return path"])
    def test_a_forged_automatic_mail_brings_no_id_to_a_ticket(
        self, target: Target, named: str, way: str
    ) -> None:
        """Gil has addresses of his own ticket, and From of what is only recorded is not proven."""
        theirs = ticket_of_gil_with_cc(target, ANN)
        letter = f"<letter-{way.replace(' ', '-')}-{named}>"
        to = target.token(theirs, GIL)
        if way == "return path":
            to = return_path_of_gil(target, theirs)
        target.send(with_message_id(a_mail(named), letter), "", to=to)
        assert target.journal()[-1].verdict == "recorded"

        forward = a_mail(ANN, f"References: {letter}")
        _, anns = filed(target.send(signed_by("acme.example", forward, signs=WITH_CC), ANN))

        assert target.ticket(anns).summary.mentions == theirs

    def test_a_mail_of_ann_that_is_reported_at_a_return_path_brings_no_id_to_a_ticket(
        self, target: Target
    ) -> None:
        """Gil has a mail that Ann wrote to him, and sends it to the return path of his notice."""
        theirs = ticket_of_gil_with_cc(target, ANN)
        path = return_path_of_gil(target, theirs)
        written = replace_once(a_mail(ANN), f"To: {SUPPORT}".encode(), f"To: {GIL}".encode())
        message_id = re.search(rb"<[^>]+>", written[written.index(b"Message-ID") :])
        assert message_id is not None
        target.send(signed_by("acme.example", written), "", to=path)
        assert target.journal()[-1].verdict == "recorded"

        forward = a_mail(ANN, f"References: {message_id[0].decode()}")
        _, anns = filed(target.send(signed_by("acme.example", forward, signs=WITH_CC), ANN))

        assert target.ticket(anns).summary.mentions == theirs

    def test_unproven_words_in_ulas_name_bring_no_id_to_a_ticket(self, target: Target) -> None:
        """Who has Ula's reply address writes in her name, with the id of a mail that she has."""
        theirs = ticket_of_gil_with_cc(target, ULA)
        changed = target.postern.run("tickets", "set", str(theirs), "--approve", ULA, "--as", SAM)
        assert changed.returncode == 0, changed.stderr
        letter = "<letter-for-ula@paper.example>"
        target.send(with_message_id(a_mail(ULA), letter), EVE, to=target.token(theirs, ULA))
        assert target.journal()[-1].reason == "token_only"

        forward = a_mail(ULA, f"References: {letter}")
        _, hers = filed(target.send(signed_by("umbrella.example", forward, signs=WITH_CC), ULA))

        assert target.ticket(hers).summary.mentions == theirs


class TestRequiredDkim:
    """Hooli's provider sends for many domains, so SPF allows this host for all of them."""

    def test_spf_alone_proves_nobody(self, strict: Target) -> None:
        code, text = strict.send(a_mail(HANK), HANK)

        assert f"{code} {text}".startswith(UNKNOWN)
        assert strict.journal()[-1].reason == "unproven"
        assert "SPF alone" in str(strict.journal()[-1].trace)

    def test_a_signature_proves_the_author(self, strict: Target) -> None:
        filed(strict.send(genuine_mail(HANK), HANK))

    def test_unsigned_fields_are_ignored_though_spf_passes(self, strict: Target) -> None:
        raw = signed_by("hooli.example", a_mail(HANK), signs=("from", "to", "message-id", "date"))

        _, opened = filed(strict.send(raw, HANK))

        assert strict.ticket(opened).summary.subject == "(no subject)"


class TestReplayThroughARelay:
    """The relay's result for a caught mail depends on the signature in it."""

    def test_a_replay_with_an_added_field_is_a_repeat(self, relayed: Target) -> None:
        raw = genuine_mail(ANN)
        first = relayed.send(with_relay_results(raw), ANN)
        before = relayed.counts()

        assert relayed.send(with_relay_results(b"X-Any: thing\r\n" + raw), EVE) == first
        assert relayed.counts() == before

    def test_a_week_old_mail_from_the_relay_is_bound_by_its_signature(
        self, relayed: Target
    ) -> None:
        raw = signed_by("acme.example", a_mail(ANN), tags={"t": unix_time_in(-8 * 86_400)})
        first = relayed.send(with_relay_results(raw), ANN)
        filed(first)

        assert relayed.send(with_relay_results(b"X-Any: thing\r\n" + raw), EVE) == first

    @pytest.mark.parametrize("number", [1, 4, 5, 12, 100])
    def test_forged_signatures_above_hers_add_nothing(self, relayed: Target, number: int) -> None:
        """The relay's limits are not ours: it may see the genuine one where we do not."""
        raw = genuine_mail(ANN, text="A question.")
        caught = b"Cc: zed@evil.example\r\n" + forged_signatures(number) + raw

        relayed.send(with_relay_results(caught), EVE)
        relayed.send(with_relay_results(caught), EVE, to=SALES)

        tickets = {e.ticket for e in relayed.journal()[-2:] if e.verdict == "opened"}
        assert all(
            member.address != "zed@evil.example"
            for each in tickets
            if each is not None
            for member in relayed.ticket(each).members
        )
        assert relayed.journal()[-1].verdict in ("held", "refused")

    def test_a_signature_that_is_too_long_to_read_adds_nothing(self, relayed: Target) -> None:
        """White space in `b=` changes no signature."""
        raw = replace_once(genuine_mail(ANN), b"\r\n b=", b"\r\n b=" + b"\r\n " * 6000)

        relayed.send(with_relay_results(raw), EVE, to=SALES)

        assert relayed.journal()[-1].verdict in ("held", "refused")

    def test_a_replay_after_the_key_was_withdrawn_is_bound_by_its_signature(
        self, relayed: Target
    ) -> None:
        """The relay has the key in its cache."""
        raw = signed_by("acme.example", a_mail(ANN), selector="withdrawn")

        relayed.send(with_relay_results(raw), EVE, to=SALES)

        assert relayed.journal()[-1].reason == "not_addressed"

    def test_a_replay_to_another_mailbox_of_the_author_is_held(self, relayed: Target) -> None:
        relayed.send(with_relay_results(genuine_mail(ANN)), EVE, to=SALES)
        assert relayed.journal()[-1].reason == "not_addressed"

    def test_what_a_guest_wrote_to_ann_alone_is_no_comment(self, relayed: Target) -> None:
        """Nobody of the guest's domain is registered, and the mail answers nothing, so its key is
        not looked up. The request that Ann opened names its id."""
        guest = "george@guest.example"
        written = replace_once(a_mail(guest), f"To: {SUPPORT}".encode(), f"To: {ANN}".encode())
        naming = a_mail(ANN, f"Cc: {guest}", f"References: {message_id_in(written)}")
        request = signed_by("acme.example", naming, signs=WITH_CC)
        _, number = filed(relayed.send(with_relay_results(request), ANN))
        added = relayed.postern.run("tickets", "set", str(number), "--approve", guest, "--as", SAM)
        assert added.returncode == 0, added.stderr

        caught = signed_by("guest.example", written)
        relayed.send(with_relay_results(caught, "guest.example"), EVE)

        assert relayed.journal()[-1].reason == "not_addressed"
        assert len(relayed.ticket(number).comments) == 1


WITH_CC = ("from", "to", "cc", "subject", "date", "message-id", "references")


def with_cc(raw: bytes, address: str) -> bytes:
    return raw.replace(b"Message-ID:", f"Cc: {address}\r\nMessage-ID:".encode(), 1)


def message_id_in(raw: bytes) -> str:
    found = re.search(rb"(?m)^Message-ID: (<[^>]+>)", raw)
    assert found is not None
    return found[1].decode()


def with_message_id(raw: bytes, message_id: str) -> bytes:
    return re.sub(rb"(?m)^Message-ID: .*?\r$", f"Message-ID: {message_id}\r".encode(), raw)


def ticket_of_gil_with_cc(target: Target, address: str) -> int:
    raw = with_cc(a_mail(GIL), address)
    return filed(target.send(signed_by("globex.example", raw, signs=WITH_CC), GIL))[1]


def return_path_of_gil(target: Target, ticket: int) -> str:
    """That of the notice he got of the ticket."""
    notice = next(n for n in target.notices() if (n.address, n.ticket) == (GIL, ticket))
    return return_path(target.keys, target.mailbox.id, SUPPORT, notice.id)


def enrol(connection: Connection, mailbox: Mailbox, address: str) -> None:
    domain = address.partition("@")[2]
    add_company(connection, mailbox, domain, [domain])
    add_person(connection, mailbox, NewPerson(address, "", Role.USER, domain))
