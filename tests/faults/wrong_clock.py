"""The server on a machine whose clock is wrong. Not part of the product."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from functools import partial

import gateway.mail_services
from gateway import cli
from gateway.clock import StoreClock, now


def ahead(by: timedelta) -> datetime:
    return now() + by


if __name__ == "__main__":
    offset = timedelta(seconds=float(sys.argv.pop(1)))
    vars(gateway.mail_services)["StoreClock"] = partial(StoreClock, before=partial(ahead, offset))
    cli.main()
