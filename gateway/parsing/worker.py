"""A process that parses one body after another and may crash on any; `gateway.parsing` starts it.

stdin: what to do (1 byte), a length (4 bytes, big-endian) and a raw mail. stdout: a length and the
pickled `Contents`, or `HtmlView`. Ends with stdin.

To take files out of a mail, a length and the `Wanted` come before the mail; stdout is a length and
the list of the files, and then their octets.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterable
from typing import BinaryIO

from gateway.confinement import confine
from gateway.parsing.answers import KIND_BYTES, LENGTH, SHOW, TAKE, Contents, pickled
from gateway.parsing.bounce import read_bounce
from gateway.parsing.html_view import view_of
from gateway.parsing.reading import body_of
from gateway.parsing.taken import Wanted, list_of_files
from gateway.parsing.taking import files_of
from rules.mail.header import read as read_header


def serve(requests: BinaryIO, answers: BinaryIO, cpu_limit_s: int) -> None:
    """Answers requests until they end. Each mail may use `cpu_limit_s` seconds of CPU."""
    while kind := requests.read(KIND_BYTES):
        question = _framed(requests) if kind == TAKE else b""
        raw = _framed(requests)
        _allow_cpu(cpu_limit_s)
        octets: Iterable[bytes] = ()
        if kind == TAKE:
            files = files_of(raw, Wanted.read(question))
            answer = list_of_files(files)
            octets = (each.content for each in (files or {}).values())
        else:
            answer = pickled(view_of(raw) if kind == SHOW else contents(raw))
        answers.write(LENGTH.pack(len(answer)) + answer)
        for each in octets:
            answers.write(each)
        answers.flush()


def _framed(requests: BinaryIO) -> bytes:
    return requests.read(LENGTH.unpack(requests.read(LENGTH.size))[0])


def contents(raw: bytes) -> Contents:
    """What only the body of a mail shows."""
    return body_of(raw, read_header(raw)), read_bounce(raw)


def _allow_cpu(seconds: int) -> None:
    """Raises the limit for each mail, since the kernel counts the CPU of the whole process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:
    """Arguments: seconds of CPU for each mail, and bytes of memory in total."""
    cpu_limit_s, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    confine(memory_bytes)
    # Output printed by a library must not end up among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers, cpu_limit_s)


if __name__ == "__main__":
    main()
