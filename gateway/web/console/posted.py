"""What a browser posts: the fields of a form, and its files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import BodyPartReader, web

from gateway.web.api import uploads
from gateway.web.api.auth import ApiError
from gateway.web.api.form_parts import parts_of
from gateway.web.api.uploads import FORM, MALFORMED, MOST_FILES, SentFile, Uploads
from gateway.web.console.context import FORM_LIMIT_BYTES, Refused, Visit
from gateway.web.pages.forms import Form, read_form, storable

MOST_FIELDS = 20
"""Besides files."""
MOST_VALUES = 120
"""Of a form without files: it may set fifty fields of a ticket, and has what each of them was."""
MIB = 2**20


@asynccontextmanager
async def posted(visit: Visit) -> AsyncIterator[Visit]:
    """The visit with what was posted; the files are in memory until the end of the context."""
    request, taking = visit.request, visit.context.api.uploads
    if request.content_type != FORM:
        yield replace(visit, form=await read_form(request, FORM_LIMIT_BYTES, MOST_VALUES))
        return
    try:
        async with taking.room(request):
            form, files = await _read(request, taking)
            yield replace(visit, form=form, files=files)
    except ApiError as error:
        raise _refused(error, taking) from None


async def _read(request: web.Request, taking: Uploads) -> tuple[Form, tuple[SentFile, ...]]:
    form: dict[str, str] = {}
    files: list[SentFile] = []
    of_fields, of_files = FORM_LIMIT_BYTES, taking.connections.limits.mail_size_bytes
    malformed = ApiError(400, "")
    try:
        async for part in parts_of(request):
            if not isinstance(part, BodyPartReader) or len(form) == MOST_FIELDS:
                raise malformed
            if {"Content-Transfer-Encoding", "Content-Encoding"}.intersection(part.headers):
                raise malformed  # no browser sends them
            if part.filename is None:
                content = await uploads.content_of(part, of_fields, ApiError(413, ""))
                of_fields -= len(content)
                form[part.name or ""] = storable(content.decode("utf-8", "replace"))
                continue
            content = await uploads.content_of(part, of_files, ApiError(413, ""))
            of_files -= len(content)
            # A browser sends a nameless one where no file was chosen.
            if name := uploads.name_of(part):
                files.append(await uploads.sent_file(name, uploads.type_of(part), content))
            if len(files) > MOST_FILES:
                raise ApiError(413, "")
    except MALFORMED:
        raise malformed from None
    return form, tuple(files)


def _refused(error: ApiError, taking: Uploads) -> Refused:
    match error.status:
        case 413:
            text = (
                "The text or the files are too large: at most {most} files, which an email of "
                "{size} MiB can have. Nothing was done."
            )
            size = taking.connections.limits.mail_size_bytes // MIB
            return Refused(413, text, most=MOST_FILES, size=size)
        case 503:
            text = "There is no room for files at the moment; nothing was done. Please try again."
            return Refused(503, text)
        case _:
            return Refused(400, "This form cannot be read; nothing was done.")
