"""What is said between the server and its processes that parse bodies, and what is accepted."""

from __future__ import annotations

import io
import pickle
import struct
from enum import Enum
from typing import Any

from rules.mail import Body, Unreadable
from rules.mail.bounces import Bounce
from rules.mail.shown_html import HtmlView, PlainOnly

Contents = tuple[Body | Unreadable, tuple[Bounce, ...]]
"""What a worker reads in a mail: its body, and the failed recipients if it is a bounce."""

LENGTH = struct.Struct(">I")
KIND_BYTES = 1
READ, SHOW, TAKE = b"R", b"S", b"T"
"""What a worker does with a mail: read its contents, sanitise its HTML, or take files out of it."""


_ALLOWED = frozenset(
    {
        ("rules.mail.bounces", "Bounce"),
        ("rules.mail.bounces", "Failure"),
        ("rules.mail.message", "AttachedMail"),
        ("rules.mail.message", "Attachment"),
        ("rules.mail.message", "Body"),
        ("rules.mail.message", "Unreadable"),
        ("rules.mail.shown_html", "HtmlView"),
        ("rules.mail.shown_html", "PlainOnly"),
    }
)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        # Python 3.11.0 to 3.11.3 make a member of an enum with `getattr`, which is not allowed.
        return (type(value), (value.value,)) if isinstance(value, Enum) else NotImplemented


def pickled(answer: Contents | HtmlView) -> bytes:
    """A worker's answer, which names nothing but its classes on every Python."""
    written = io.BytesIO()
    _Pickler(written, protocol=5).dump(answer)
    return written.getvalue()


class _ContentsUnpickler(pickle.Unpickler):
    """Accepts nothing but a body: a worker that reads hostile bytes cannot be trusted."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a body")


def unpickled(data: bytes) -> Contents:
    """A worker's answer. Raises UnpicklingError if it is anything else."""
    try:
        body, bounces = _ContentsUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        raise pickle.UnpicklingError("not the contents of a mail") from error
    genuine = isinstance(body, Body | Unreadable) and isinstance(bounces, tuple)
    if not genuine or not all(isinstance(bounce, Bounce) for bounce in bounces):
        raise pickle.UnpicklingError("not the contents of a mail")
    return body, bounces


def unpickled_html(data: bytes) -> HtmlView:
    """A worker's answer about HTML. Raises UnpicklingError if it is anything else."""
    try:
        view = _ContentsUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        raise pickle.UnpicklingError("not the HTML of a mail") from error
    genuine = isinstance(view, HtmlView) and isinstance(view.plain_only, PlainOnly | None)
    if not genuine or not _is_of_texts(view):
        raise pickle.UnpicklingError("not the HTML of a mail")
    shown: HtmlView = view
    return shown


def _is_of_texts(view: HtmlView) -> bool:
    texts = all(isinstance(each, str) for each in (view.html, view.quoted, view.text))
    texts = texts and all(isinstance(name, str) for name in view.quoted_images)
    return texts and all(
        isinstance(name, str) and isinstance(content, bytes) for name, content in view.images
    )
