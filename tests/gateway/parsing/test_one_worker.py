"""A worker process that fails says why."""

import asyncio
import sys

import pytest

from gateway.parsing.one_worker import OneWorker, WorkerEnd
from gateway.parsing.process import WorkerProcess

_CLOSES_ITS_PIPE_AND_ENDS = """
import os, signal, sys
sys.stdin.buffer.read(1)
os.close(1)
sys.stdin.buffer.read(1)
os.kill(os.getpid(), signal.SIGXCPU)
"""


async def test_a_process_that_is_still_ending_was_ended_for_its_cpu_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CLOSES_ITS_PIPE_AND_ENDS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def closes_its_pipe(_: WorkerProcess) -> None:
        stdin.write(b"1")
        assert await stdout.read() == b""
        asyncio.get_running_loop().call_soon(stdin.write, b"2")
        raise EOFError

    worker = OneWorker(cpu_s=1.0, wall_s=30.0, memory_bytes=1 << 30)
    monkeypatch.setattr(worker, "_worker", WorkerProcess(process))

    assert await worker.ask(closes_its_pipe) is WorkerEnd.TIMEOUT
