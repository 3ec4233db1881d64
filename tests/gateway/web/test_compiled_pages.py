"""The templates of pages are compiled when a server has started."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.app import serve
from gateway.config.model import Config
from gateway.web.api import reference
from gateway.web.console import routes
from gateway.web.pages import render
from tests.stores import SqliteStores

NO_PORT = "127.0.0.1:0"


async def test_a_server_compiles_every_page_once_its_sockets_are_open(
    sqlite_stores: SqliteStores, tmp_path: Path
) -> None:
    """Else the first view of a page does so in the event loop, and mail waits."""
    environments = (routes.TEMPLATES, *render.TEMPLATES.values(), reference.TEMPLATES)
    caches = [each.cache for each in environments if each.cache is not None]
    caches[1].clear()  # other tests in this process may have compiled all, which takes a second
    config = Config.model_validate(
        {
            "smtp": {"listen": NO_PORT},
            "http": {"listen": NO_PORT, "admin_listen": NO_PORT},
            "store": {"url": sqlite_stores.new()},
            "relay": {"maildir": str(tmp_path)},
        }
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(config, stop, ready.set))
    await asyncio.wait_for(ready.wait(), 60)

    await asyncio.gather(*(t for t in asyncio.all_tasks() if t.get_name() == "compile_pages"))
    stop.set()
    await serving

    compiled = [{name for _, name in cache} for cache in caches]
    assert compiled == [set(each.list_templates(["html"])) for each in environments]
