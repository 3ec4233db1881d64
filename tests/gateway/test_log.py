"""What a sender wrote reaches the terminal of nobody who reads the log."""

from __future__ import annotations

import io
import json
import logging

import pytest

from gateway import log, log_output

CLEARS = "\x1b[2J\u202e\r cleared"


def raised() -> ValueError:
    try:
        raise ValueError(f"not a name:\n{CLEARS}")
    except ValueError as error:
        return error


@pytest.mark.parametrize("output", ["json", "text"])
def test_the_message_of_an_error_is_escaped_and_its_lines_stay(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log_output.configure("info", output)
    log.page_failed("/signup", raised())
    log.not_ready(raised())
    logging.getLogger("library").error(CLEARS, exc_info=raised())

    written = capsys.readouterr().err
    assert written.count("cleared") >= 4
    assert all(c == "\n" or c.isprintable() for c in written)
    if output == "json":
        written = json.loads(written.splitlines()[0])["exception"]
    assert "Traceback (most recent call last):\n" in written
    assert "ValueError: not a name:\n\\u001b[2J\\u202e\\u000d cleared" in written


def test_a_line_is_written_at_once_so_that_no_other_process_writes_into_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []

    class Terminal(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    monkeypatch.setattr("sys.stderr", Terminal())
    log_output.configure("info", "json")
    log.stopping()
    (line,) = written
    assert json.loads(line)["event"] == "stopping"
    assert line.endswith("\n")
