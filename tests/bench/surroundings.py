"""The loads of the benchmark: which mails are sent, and what Postern finds around it.

`plain`: mails of many people from a trusted peer, with few acknowledgements. `desk`: a desk at
work, see `tests.bench.desk`. `untrusted`: the author of each mail is proven, see
`tests.bench.untrusted`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.bench import load
from tests.bench.load import Load
from tests.bench.outbox import CountingRelay
from tests.bench.targets import MAILBOX

TRUSTED = '[trust]\npeers = ["127.0.0.0/8"]\n'


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is configured besides ports, store and limits."""

    settings: str
    """Sections of the configuration."""
    policy: Mapping[str, str] = field(default_factory=dict)
    """Settings of the default policy that are replaced."""
    staff: tuple[str, ...] = ()
    relay: CountingRelay | None = None
    """Where notices are sent; None if nobody looks at them."""


class LoadKind(Protocol):
    """A kind of load."""

    def write(self, folder: Path, count: int, senders: int) -> Load:
        """Write the mails into a new folder."""

    def around(self, folder: Path) -> AbstractContextManager[Surroundings]:
        """Start what is around Postern, with files in a folder; it ends with the context."""


class Plain:
    """Mails from a trusted peer. What is sent goes into a Maildir."""

    def write(self, folder: Path, count: int, senders: int) -> Load:
        return load.write(folder, count, senders, MAILBOX)

    @contextmanager
    def around(self, folder: Path) -> Iterator[Surroundings]:
        yield Surroundings(f'{TRUSTED}[relay]\nmaildir = "{folder}/outbox"\n')
