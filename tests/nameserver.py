"""A DNS server on loopback that serves a dict of records and counts its queries."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from dnslib import AAAA, CNAME, MX, PTR, QTYPE, RCODE, RR, SOA, TXT, A, DNSError, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

Records = Mapping[tuple[str, str], Sequence[str | bytes]]

_RDATA = {"A": A, "AAAA": AAAA, "CNAME": CNAME, "PTR": PTR}


class NameServer(BaseResolver):  # type: ignore[misc]  # dnslib ships no types
    """Serves `records` over UDP and TCP, and follows CNAMEs as a recursive resolver does.

    A key is (name, type); TXT is text or bytes of any length, MX is `10 host`. Names without any
    record are NXDOMAIN with an SOA. `records`, `silent` and `broken` may change while it serves.
    """

    def __init__(
        self, records: Records | None = None, *, ttl_s: int = 300, negative_ttl_s: int = 60
    ) -> None:
        self.records: dict[tuple[str, str], Sequence[str | bytes]] = dict(records or {})
        self.silent: set[str] = set()
        """Domains that get no answer, nor do the names below them."""
        self.broken: set[str] = set()
        """Domains that get SERVFAIL, as do the names below them."""
        self.queries: Counter[tuple[str, str]] = Counter()
        self._ttl_s = ttl_s
        self._negative_ttl_s = negative_ttl_s
        self._servers = self._bound()
        self.port: int = self._servers[0].server_address[1]

    def __enter__(self) -> Self:
        for server in self._servers:
            server.daemon_threads = True
            server.block_on_close = False
            # Checks every 10 ms whether to stop; dnslib's own thread would take half a second.
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def resolve(self, request: DNSRecord, _handler: Any) -> DNSRecord:
        name = str(request.q.qname).removesuffix(".").lower()
        kind = str(QTYPE[request.q.qtype])
        self.queries[name, kind] += 1
        if _below(name, self.silent):
            raise DNSError("no answer")  # dnslib's handler drops the query
        reply = request.reply()
        if _below(name, self.broken):
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        seen = {name}
        while (name, kind) not in self.records and (name, "CNAME") in self.records:
            target = str(self.records[name, "CNAME"][0])
            reply.add_answer(self._record(name, "CNAME", target))
            if target in seen:
                return reply
            seen.add(target)
            name = target
        for value in self.records.get((name, kind), ()):
            reply.add_answer(self._record(name, kind, value))
        if (name, kind) not in self.records:
            if not any(known == name or known.endswith(f".{name}") for known, _ in self.records):
                reply.header.rcode = RCODE.NXDOMAIN
            zone = SOA("ns.invalid.", "hostmaster.invalid.", (1, 2, 3, 4, self._negative_ttl_s))
            reply.add_auth(RR(name, QTYPE.SOA, rdata=zone, ttl=self._ttl_s))
        return reply

    def _bound(self) -> tuple[Any, Any]:
        """UDP and TCP servers on one port; a port that is free for UDP may be in use for TCP."""
        logger = DNSLogger(log="-request,-reply,-truncated,-error,-recv,-send,-data")
        for _ in range(20):
            udp = DNSServer(self, address="127.0.0.1", port=0, logger=logger).server
            port = udp.server_address[1]
            try:
                tcp = DNSServer(self, address="127.0.0.1", port=port, tcp=True, logger=logger)
            except OSError:
                udp.server_close()
                continue
            return udp, tcp.server
        raise OSError("found no port that is free for both UDP and TCP")

    def _record(self, name: str, kind: str, value: str | bytes) -> RR:
        if kind == "TXT":
            data = value.encode() if isinstance(value, str) else value
            rdata = TXT([data[start : start + 255] for start in range(0, len(data) or 1, 255)])
        elif kind == "MX":
            preference, host = str(value).split()
            rdata = MX(host, int(preference))
        else:
            rdata = _RDATA[kind](str(value))
        return RR(name, getattr(QTYPE, kind), rdata=rdata, ttl=self._ttl_s)


def _below(name: str, domains: set[str]) -> bool:
    return any(name == each or name.endswith(f".{each}") for each in domains)
