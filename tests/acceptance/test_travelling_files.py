"""Files and formatting travel with comments: SMTP in, the mails of the relay out, and links."""

from __future__ import annotations

import base64
import random
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from rules.mail.quoting import REPLY_MARK
from storage.db.database import Database
from storage.db.tables import ParticipantRow, table
from tests.acceptance.support_server import SUPPORT, SupportServer, eventually, filed
from tests.running import generous, initialised, serving, write_config
from tests.stores import SqliteStores

MIB = 2**20
SAM, ANN, BOB = "sam@help.example", "ann@acme.example", "bob@acme.example"
PNG = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(20_000)
LOGO = b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(900)
PDF = b"%PDF-1.7\n" + random.Random(3).randbytes(3 * MIB - 9)
LOG = b"2026-03-02 12:00:00 the printer says no\r\n" * (30 * MIB // 41)
SECRET = "A note that no customer reads."


@dataclass(frozen=True)
class Talk:
    """A server, and a ticket of Ann's with Bob on it, to which Sam has replied with files."""

    server: SupportServer
    number: int

    def mail_to(self, address: str, text: str) -> EmailMessage:
        """The mail to somebody that has these words."""

        def look() -> EmailMessage | None:
            return next((m for m in self.server.mails_to(address) if text in plain_of(m)), None)

        return eventually(look)


def plain_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory, sqlite_stores: SqliteStores) -> Iterator[Talk]:
    folder, url = tmp_path_factory.mktemp("files"), sqlite_stores.new()
    config = write_config(folder, url, f"[limits]\nmail_mib = 64\n{generous(folder)}")
    initialised(config, "--demo")
    database = Database(url, connections=2)
    try:
        with serving(config) as running:
            server = SupportServer(running, database, folder, ("", 0), "")
            yield Talk(server, _replied(server))
            assert running.stop() == 0
    finally:
        database.close()


def _replied(server: SupportServer) -> int:
    """The ticket's number; Ann has sent a screenshot with it, and Sam has replied."""
    asked = EmailMessage(policy=SMTP)
    asked["From"], asked["To"], asked["Cc"] = ANN, SUPPORT, BOB
    asked["Subject"], asked["Message-ID"] = "Printer", "<ann-1@acme.example>"
    asked.set_content("The printer says no. See the screenshot.\n")
    asked.add_attachment(PNG, maintype="image", subtype="png", filename="Bildschirm äöü.png")
    _, number = filed(server.send(asked.as_bytes(), ANN))
    to_sam = server.mail_to(SAM)
    reply_to = str(to_sam["Reply-To"])
    server.send(_reply(reply_to).as_bytes().replace(b"@LOG@\r\n", LOG), SAM, reply_to)
    return number


def _reply(reply_to: str) -> EmailMessage:
    """As Gmail writes it, with the quoted notice, which has the mark and a note below it."""
    quoted = f"> {REPLY_MARK}\n> {SECRET}\n"
    plain = "Please *try this*:\n\n   - one\n   - two\n\nModel Driver\nX1 7.2\n\n[image: Menu]\n\n"
    html = (
        '<div dir="ltr">Please <b>try this</b>:<ul><li>one</li><li>two</li></ul>'
        '<table border="1"><tr><th>Model</th><th>Driver</th></tr>'
        "<tr><td>X1</td><td>7.2</td></tr></table>"
        '<div><img src="cid:menu@help" alt="Menu"></div></div><br>'
        '<div class="gmail_quote"><div class="gmail_attr">On Monday, Support wrote:</div>'
        f"<blockquote><p>{REPLY_MARK}</p><p>{SECRET}</p>"
        '<img src="cid:logo@help"></blockquote></div>'
    )
    reply = EmailMessage(policy=SMTP)
    reply["From"], reply["To"], reply["Subject"] = SAM, reply_to, "Re: [#1] Printer"
    reply["Message-ID"] = "<sam-1@help.example>"
    reply.set_content(f"{plain}On Mon, 2 Mar 2026, Support <{SUPPORT}> wrote:\n{quoted}")
    reply.add_alternative(html, subtype="html")
    related = list(reply.iter_parts())[1]
    assert isinstance(related, EmailMessage)
    related.add_related(PNG, "image", "png", cid="<menu@help>", filename="menu.png")
    related.add_related(LOGO, "image", "png", cid="<logo@help>", filename="logo.png")
    reply.add_attachment(PDF, maintype="application", subtype="pdf", filename="report.pdf")
    reply.add_attachment("@LOG@", subtype="x-log", filename="printer.log", cte="7bit")
    return reply


def test_a_staff_reply_arrives_with_its_files_and_its_formatting(talk: Talk) -> None:
    mail = talk.mail_to(ANN, "try this")

    files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
    images = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    html, plain = html_of(mail), plain_of(mail)
    assert files == {"report.pdf": PDF}
    assert [part.get_content() for part in images] == [PNG]
    assert f'src="cid:{str(images[0]["Content-ID"]).strip("<>")}"' in html
    for kept in ("<b>try this</b>", "<li>two</li>", "<th>Driver</th>", "<td>7.2</td>"):
        assert kept in html
    assert "report.pdf (3.0 MB, attached), printer.log (30 MB, link)" in plain
    assert "logo.png" not in plain + html
    assert 'postern_files_total{way="link"}' in talk.server.get("/metrics")[1]
    assert SECRET not in mail.as_string()
    assert SECRET not in base64.b64decode(_all_base64(mail)).decode("latin-1")


def _all_base64(mail: EmailMessage) -> str:
    bodies = [p.get_payload() for p in mail.walk() if p["Content-Transfer-Encoding"] == "base64"]
    return "".join("".join(str(each).split()) for each in bodies[:1])


def test_the_link_shows_the_file_and_posts_its_bytes(talk: Talk) -> None:
    url = _link(talk, ANN)

    status, page, headers = _request(url)
    _, body, sent = _request(url, "POST")

    assert (status, "printer.log" in page.decode(), "30 MB" in page.decode()) == (200, True, True)
    assert LOG[:100] not in page
    assert body == LOG
    assert sent["Content-Disposition"].startswith('attachment; filename="printer.log"')
    assert sent["X-Content-Type-Options"] == headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in sent["Content-Security-Policy"]


def test_the_link_ends_with_its_owners_place_on_the_ticket(talk: Talk) -> None:
    url = _link(talk, BOB)
    before, _, _ = _request(url)

    participant = table(ParticipantRow)
    change = participant.update().where(participant.c.address == BOB).values(presence="removed")
    talk.server.write(lambda connection: connection.execute(change).rowcount)

    assert (before, _request(url)[0], _request(url, "POST")[0]) == (200, 404, 404)


def test_what_a_customer_sends_reaches_the_staff(talk: Talk) -> None:
    mail = talk.mail_to(SAM, "See the screenshot.")

    ((name, content),) = [(p.get_filename(), p.get_content()) for p in mail.iter_attachments()]
    assert (name, content) == ("Bildschirm äöü.png", PNG)
    assert re.search(r"Bildschirm äöü\.png \(20 KB, attached\)", plain_of(mail))


def test_a_link_that_was_changed_leads_nowhere(talk: Talk) -> None:
    url = _link(talk, ANN)
    other = "a" if url[-5] != "a" else "b"

    assert _request(f"{url[:-5]}{other}{url[-4:]}")[0] == 404


def _link(talk: Talk, address: str) -> str:
    found = re.search(r"printer\.log: (\S+/files/\S+)", plain_of(talk.mail_to(address, "try this")))
    assert found is not None
    return talk.server.postern.http + found[1][found[1].index("/files/") :]


def _request(url: str, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, method=method, data=b"" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)
