"""Renders outgoing mails: the shipped templates, and an operator's own that take precedence.

A template is looked for in `<folder>/<mailbox address>/<language>`, then in
`<folder>/<policy>/<language>`, then among the shipped ones. If one of the operator's fails, the
shipped one is used: it never costs a mail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jinja2

from gateway.outgoing import events
from gateway.outgoing.context import TemplateContext
from gateway.outgoing.template_check import NAMES, own_faults, readable
from gateway.outgoing.template_files import SUBJECT, html_name, overlaid, shipped, text_name
from rules.ticket.notices import NoticeKind
from rules.validation.messages import InvalidFile

_BROKEN = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Whatever a template that somebody else wrote can raise."""
_FOLDER = re.compile(r"[^./\\][^/\\]*")


class TemplatesRefused(InvalidFile):
    """Templates that cannot be used; `str()` names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str | None
    """None where the operator has a template of their own for the text alone."""


class Templates:
    """Renders notices; `load` makes one with an operator's folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._environments: dict[tuple[str, ...], jinja2.Environment] = {}

    def rendered(
        self, kind: NoticeKind, context: TemplateContext, folders: tuple[str, ...]
    ) -> Rendered:
        """Subject and texts of a notice; `folders` are those of the operator's that apply to it,
        the first taking precedence."""
        subject, _ = self._render(SUBJECT, context, folders)
        text, own_text = self._render(text_name(kind), context, folders)
        html, own_html = self._render(html_name(kind), context, folders)
        return Rendered(subject, text, None if own_text and not own_html else html)

    def _render(
        self, name: str, context: TemplateContext, folders: tuple[str, ...]
    ) -> tuple[str, bool]:
        """The text, and whether the operator's own template made it."""
        values = {each: getattr(context, each) for each in NAMES}
        if self._folder is not None:
            try:
                template = self._environment(folders, context.language).get_template(name)
                text = template.render(values)
            except _BROKEN as error:
                events.template_refused(f"{context.language}/{name}", readable(error))
            else:
                return text, self._is_own(template)
        return shipped(context.language).get_template(name).render(values), False

    def _is_own(self, template: jinja2.Template) -> bool:
        file = template.filename
        return self._folder is not None and file is not None and file.startswith(f"{self._folder}/")

    def _environment(self, folders: tuple[str, ...], language: str) -> jinja2.Environment:
        key = (*folders, language)
        if key not in self._environments:
            assert self._folder is not None, "without a folder, only the shipped templates are used"
            own = [
                self._folder / folder / language for folder in folders if _FOLDER.fullmatch(folder)
            ]
            self._environments[key] = overlaid(own, language)
        return self._environments[key]


def load(folder: Path | None) -> Templates:
    """The shipped templates and those of a folder. Raises TemplatesRefused with all its faults.

    That the shipped ones have none is a test: to find it out again would be a fifth of each start.
    """
    if folder is None:
        return Templates()
    if not folder.is_dir():
        raise TemplatesRefused(str(folder), ["policies.templates is not a folder"])
    if faults := own_faults(folder):
        raise TemplatesRefused("policies.templates", faults)
    return Templates(folder)
