"""The server process: how it starts, when it refuses to start, and how it stops."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storage.db.database import Database
from storage.db.ledger import open_ledger
from storage.registry.mailboxes import add_mailbox
from storage.ticket import summaries
from tests.acceptance.support_server import (
    SUPPORT,
    TIMEOUT_S,
    a_mail,
    eventually,
    filed,
    free_port,
    mail_counts,
)
from tests.running import Postern, generous, initialised, postern, serving, start, write_config
from tests.stores import SqliteStores

ANN = "ann@acme.example"


@pytest.fixture
def store(sqlite_stores: SqliteStores, tmp_path: Path) -> str:
    """The URL of a store with the demo enrolled."""
    url = sqlite_stores.new()
    done = postern("init", "--demo", "--config", str(write_config(tmp_path, url)))
    assert done.returncode == 0, done.stderr
    return url


def tickets_in(store: str) -> int:
    database = Database(store)
    try:
        return len(database.read(lambda c: summaries.newest(c, 1000)))
    finally:
        database.close()


@contextmanager
def two_workers(config: Path) -> Iterator[Postern]:
    """A server with two worker processes, both listening; stopped so that none is left behind."""
    running = start(config, "--workers", "2")
    try:
        while json.loads(running.log.get(timeout=TIMEOUT_S))["event"] != "started":
            pass
        yield running
    finally:
        code = running.stop()
        running.stderr.close()
    assert code == 0


def on_fixed_ports(folder: Path, store: str, extra: str = "") -> Path:
    """A configuration with fixed ports, which several processes can share."""
    config = write_config(folder, store, extra)
    text = config.read_text()
    text = text.replace('"127.0.0.1:0"', f'"127.0.0.1:{free_port()}"', 1)  # SMTP
    config.write_text(text.replace('"127.0.0.1:0"', f'"127.0.0.1:{free_port()}"'))
    return config


class TestStartTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        make = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
            "-keyout key.pem -out certificate.pem"
        )
        subprocess.run(
            shlex.split(make),
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=60,
        )
        return tmp_path / "certificate.pem"

    def test_a_mail_is_received_over_starttls(
        self, store: str, tmp_path: Path, certificate: Path
    ) -> None:
        tls = f'[tls]\ncertificate = "{certificate}"\nkey = "{tmp_path}/key.pem"\n'
        trusting = ssl.create_default_context(cafile=str(certificate))

        with serving(write_config(tmp_path, store, tls)) as running, running.client() as client:
            client.starttls(context=trusting)
            client.ehlo("client.example")
            assert not client.has_extn("starttls")
            assert client.sendmail(ANN, [SUPPORT], a_mail(ANN)) == {}

        assert tickets_in(store) == 1

    def test_implicit_tls_has_a_port_of_its_own(
        self, store: str, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tls = f'[tls]\ncertificate = "{certificate}"\nkey = "{tmp_path}/key.pem"\n'
        trusting = ssl.create_default_context(cafile=str(certificate))
        port = free_port()
        monkeypatch.setenv("POSTERN_SMTP__TLS_LISTEN", f"127.0.0.1:{port}")

        with (
            serving(write_config(tmp_path, store, tls)) as running,
            smtplib.SMTP_SSL("127.0.0.1", port, timeout=TIMEOUT_S, context=trusting) as client,
            running.client() as other,
        ):
            assert client.sendmail(ANN, [SUPPORT], a_mail(ANN)) == {}
            assert not client.has_extn("starttls")
            assert other.has_extn("starttls")

        assert tickets_in(store) == 1

    def test_starttls_is_not_offered_without_a_certificate(
        self, store: str, tmp_path: Path
    ) -> None:
        with serving(write_config(tmp_path, store)) as running, running.client() as client:
            assert not client.has_extn("starttls")
            assert client.has_extn("pipelining")


@pytest.fixture(scope="module")
def workers(
    sqlite_stores: SqliteStores, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Postern]:
    """A server with two workers, for the tests of a class in their order."""
    folder = tmp_path_factory.mktemp("workers")
    (folder / "policies").mkdir()
    extra = f'[policies]\nfolder = "{folder}/policies"\n[lmtp]\nlisten = "unix:{folder}/lmtp"\n'
    config = on_fixed_ports(folder, sqlite_stores.new(), extra)
    initialised(config, "--demo")
    with two_workers(config) as running:
        yield running


class TestWorkers:
    def test_two_workers_share_ports_store_and_counts(self, workers: Postern) -> None:
        answers = [workers.send(a_mail(ANN), ANN, SUPPORT) for _ in range(8)]
        counts = [mail_counts(metrics_of(workers)) for _ in range(8)]

        numbers = [filed(answer)[1] for answer in answers]
        assert sorted(numbers) == list(range(1, 9))
        assert counts == [{("opened", "new_request"): 8}] * 8

    def test_mail_is_taken_before_anything_else_is_served(self, workers: Postern) -> None:
        assert [each["event"] for each in workers.lines] == ["takes_mail", "started"]

    def test_a_worker_that_dies_is_replaced(self, workers: Postern) -> None:
        victim = children_of(workers.process.pid)[0]
        os.kill(victim, 9)

        assert workers.event("worker_died")["pid"] == victim
        assert workers.event("started")
        filed(workers.send(a_mail(ANN), ANN, SUPPORT))

    def test_a_client_of_lmtp_waits_while_no_worker_lives(self, workers: Postern) -> None:
        for victim in children_of(workers.process.pid):
            os.kill(victim, 9)

        assert serves_lmtp(workers)
        left = Counter(worker_died=2, started=2)
        while left.total():
            name = json.loads(workers.log.get(timeout=TIMEOUT_S))["event"]
            left -= Counter({name: 1})

    def test_a_worker_that_broken_policies_refuse_ends_no_other(self, workers: Postern) -> None:
        broken = workers.config.parent / "policies" / "broken.toml"
        broken.write_text("name = 1")
        os.kill(workers.process.pid, signal.SIGHUP)
        refused = [workers.event("policies_refused") for _ in range(2)]
        os.kill(children_of(workers.process.pid)[-1], 9)  # the newest
        waits = workers.event("worker_not_replaced")
        filed(workers.send(a_mail(ANN), ANN, SUPPORT))
        assert serves_lmtp(workers)
        broken.unlink()
        done = workers.run("reload")

        assert all("broken.toml" in each["faults"][0] for each in refused)
        assert (waits["status"], waits["again_s"]) == (os.EX_CONFIG, 10)
        assert (done.returncode, done.stderr) == (0, "")
        assert workers.event("policies_reloaded")["changed"] == []


def serves_lmtp(running: Postern) -> bool:
    """Whether it takes a recipient there, by its unix socket."""
    with smtplib.LMTP(str(running.config.parent / "lmtp"), timeout=TIMEOUT_S) as client:
        client.ehlo("client.example")
        client.mail(ANN)
        return client.rcpt(SUPPORT)[0] == 250


def metrics_of(running: Postern) -> str:
    with urllib.request.urlopen(f"{running.http}/metrics", timeout=TIMEOUT_S) as response:
        return str(response.read().decode())


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


class TestStopping:
    def test_sigterm_stops_an_idle_server_with_exit_code_0(
        self, store: str, tmp_path: Path
    ) -> None:
        with serving(write_config(tmp_path, store)) as running:
            assert running.stop() == 0

    def test_a_waiting_client_gets_421(self, store: str, tmp_path: Path) -> None:
        with serving(write_config(tmp_path, store)) as running, running.client() as client:
            assert running.stop() == 0
            assert client.getreply() == (421, b"4.3.2 Shutting down, try again later")
            client.close()

    def test_a_mail_in_transfer_is_filed_before_the_stop(self, store: str, tmp_path: Path) -> None:
        head, _, end = (a_mail(ANN, "Line one.") + b".\r\n").partition(b"one")
        with serving(write_config(tmp_path, store)) as running, running.client() as client:
            client.mail(ANN)
            client.rcpt(SUPPORT)
            assert client.docmd("DATA")[0] == 354
            client.send(head)
            running.process.terminate()
            eventually(lambda: refuses_connections(running) or None)
            client.send(b"one" + end)
            code, text = client.getreply()
            filed((code, text.decode()))
            assert client.getreply()[0] == 421
            client.close()
            assert running.process.wait(TIMEOUT_S) == 0

        assert tickets_in(store) == 1

    def test_a_request_that_does_not_end_keeps_no_server_beyond_its_grace(
        self, store: str, tmp_path: Path
    ) -> None:
        """Nobody takes mail until the next server begins."""
        config = write_config(tmp_path, store, "[limits]\ngrace_s = 2\n")
        token = postern("token", "add", "app", "--scope", "mails", "--config", str(config)).stdout
        begun = (
            f"POST /api/v1/mails?rcpt={SUPPORT}&mail_from={ANN} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token.strip()}\r\nContent-Type: message/rfc822\r\n"
            f"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
        )
        with serving(config) as running:
            host, _, port = running.http.removeprefix("http://").rpartition(":")
            with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as client:
                client.sendall(begun.encode())
                assert client.recv(100).startswith(b"HTTP/1.1 100")
                client.sendall(b"X: y\r\n" * 10_000)  # else it is given up as too slow
                running.process.terminate()
                assert running.process.wait(20) == 0


def refuses_connections(running: Postern) -> bool:
    try:
        smtplib.SMTP(*running.smtp, timeout=5).close()
    except (OSError, smtplib.SMTPException):
        return True
    return False


class TestRefusingToStart:
    def test_a_mailbox_with_an_unknown_policy_is_a_configuration_error(
        self, store: str, tmp_path: Path
    ) -> None:
        database = Database(store)
        ledger = open_ledger(database)
        ledger.submit(lambda c: add_mailbox(c, "sales@help.example", "defualt")).result()
        ledger.close()
        database.close()

        done = postern("serve", "--config", str(write_config(tmp_path, store)))

        message = "mailbox sales@help.example: no policy 'defualt' (did you mean default?)"
        assert done.returncode == os.EX_CONFIG
        assert done.stderr == f"postern: {message}\n"

    @pytest.mark.parametrize("section", ["smtp", "http", "lmtp"])
    def test_a_port_in_use_is_reported(self, store: str, tmp_path: Path, section: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = f"127.0.0.1:{other.getsockname()[1]}"
            config = write_config(tmp_path, store)
            listen = f'[{section}]\nlisten = "127.0.0.1:0"\n'
            text = config.read_text().replace('admin_listen = "127.0.0.1:0"\n', "")
            text = text.replace(listen, "")
            config.write_text(f'{text}[{section}]\nlisten = "{taken}"\n')

            done = postern("serve", "--config", str(config))

        assert done.returncode == os.EX_OSERR
        (message,) = [x for x in done.stderr.splitlines() if x.startswith("postern: ")]
        assert taken in message.replace("', ", ":").replace("('", "")
        assert "address already in use" in message.lower()

    def test_a_template_that_cannot_be_used_ends_the_server_that_takes_mail_already(
        self, store: str, tmp_path: Path
    ) -> None:
        own = tmp_path / "templates" / "default" / "en"
        own.mkdir(parents=True)
        (own / "subject.txt.j2").write_text("{{ ticket_numbr }}")
        policies = f'[policies]\ntemplates = "{tmp_path}/templates"\n'

        done = postern("serve", "--config", str(write_config(tmp_path, store, policies)))

        assert done.returncode == os.EX_CONFIG
        (message,) = [x for x in done.stderr.splitlines() if x.startswith("postern: ")]
        assert f"{own}/subject.txt.j2" in message
        assert "takes_mail" in done.stderr

    def test_an_invalid_certificate_is_a_configuration_error(
        self, store: str, tmp_path: Path
    ) -> None:
        (tmp_path / "note.txt").write_text("The certificate will be added later.\n")
        files = f'certificate = "{tmp_path}/note.txt"\nkey = "{tmp_path}/note.txt"\n'
        config = write_config(tmp_path, store, f"[tls]\n{files}")

        done = postern("serve", "--config", str(config))

        assert done.returncode == os.EX_CONFIG
        assert f"{tmp_path}/note.txt" in done.stderr

    def test_a_store_of_an_older_version_is_a_configuration_error(self, tmp_path: Path) -> None:
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/new.db")

        done = postern("serve", "--config", str(config))

        assert done.returncode == os.EX_CONFIG
        assert "run `postern init`" in done.stderr

    def test_an_unreadable_store_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "store.db").write_bytes(b"this is not a database " * 100)
        config = write_config(tmp_path, f"sqlite:///{tmp_path}/store.db")

        done = postern("serve", "--config", str(config))

        assert done.returncode == os.EX_UNAVAILABLE
        assert done.stderr.startswith("postern: the store does not answer: ")

    def test_workers_that_cannot_start_stop_the_server(self, store: str, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            config = on_fixed_ports(tmp_path, store)
            taken = f'listen = "127.0.0.1:{other.getsockname()[1]}"'
            first = next(x for x in config.read_text().splitlines() if x.startswith("listen"))
            config.write_text(config.read_text().replace(first, taken, 1))

            done = postern("serve", "--workers", "2", "--config", str(config))

        assert done.returncode == os.EX_OSERR
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("postern: cannot serve: smtp.listen ")

    def test_a_server_without_a_mailbox_says_so(
        self, sqlite_stores: SqliteStores, tmp_path: Path
    ) -> None:
        config = write_config(tmp_path, sqlite_stores.new())
        initialised(config)
        with serving(config) as running:
            assert "no_mailbox" in [event["event"] for event in running.lines]

    def test_one_of_several_workers_names_an_address_that_two_mailboxes_have(
        self, sqlite_stores: SqliteStores, tmp_path: Path
    ) -> None:
        policy = generous(tmp_path, aliases="['all@public.example']")
        config = on_fixed_ports(tmp_path, sqlite_stores.new(), policy)
        initialised(config, "--demo")
        added = postern("mailbox", "add", "billing@help.example", "--config", str(config))
        assert added.returncode == 0, added.stderr
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
        lines: list[dict[str, Any]] = []
        # The first worker is known by what it has not loaded.
        with subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            while [each["event"] for each in lines].count("started") < 2:
                lines.append(json.loads(process.stderr.readline()))
            process.terminate()
        (event,) = [each for each in lines if each["event"] == "address_shared"]
        assert event["address"] == "all@public.example"
        assert set(event["mailboxes"]) == {"support@help.example", "billing@help.example"}
