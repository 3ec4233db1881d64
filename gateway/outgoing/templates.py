"""The words of outgoing mails: shipped templates, and an operator's own that go before them.

A template is looked for in `<folder>/<mailbox address>/<language>`, then in
`<folder>/<policy>/<language>`, then among the shipped ones. One of an operator's that cannot be
used never costs a mail: the shipped one stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway import log
from gateway.outgoing.context import TemplateContext
from rules.mail.language import KNOWN as LANGUAGES
from rules.ticket.notices import NoticeKind
from rules.validation.messages import InvalidFile, suggestion, text_of

SUBJECT = "subject.txt.j2"
_SHIPPED = "templates"
_SHARED = "shared"
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
"""All that a template which somebody else wrote can raise."""
_NAMES = frozenset(field.name for field in fields(TemplateContext))
_FOLDER = re.compile(r"[^./\\][^/\\]*")


class TemplatesRefused(InvalidFile):
    """Templates that cannot be used; `str()` names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str | None
    """None where the operator has words of his own for the text alone."""


class Templates:
    """Renders notices; `load` is the way to make one with an operator's folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._environments: dict[tuple[str, ...], jinja2.Environment] = {}

    def rendered(
        self, kind: NoticeKind, sheet: TemplateContext, folders: tuple[str, ...]
    ) -> Rendered:
        """Subject and texts of a notice; `folders` are those of the operator's that apply to it,
        the first first."""
        name = kind.value
        subject, _ = self._render(SUBJECT, sheet, folders)
        text, own_text = self._render(f"{name}.txt.j2", sheet, folders)
        html, own_html = self._render(f"{name}.html.j2", sheet, folders)
        return Rendered(subject, text, None if own_text and not own_html else html)

    def _render(
        self, name: str, sheet: TemplateContext, folders: tuple[str, ...]
    ) -> tuple[str, bool]:
        """The text, and whether the operator's own template made it."""
        values = {each: getattr(sheet, each) for each in _NAMES}
        if self._folder is not None:
            try:
                template = self._environment(folders, sheet.language).get_template(name)
                text = template.render(values)
            except _BROKEN as error:
                log.template_refused(f"{sheet.language}/{name}", _said(error))
            else:
                return text, self._is_own(template)
        return _shipped(sheet.language).get_template(name).render(values), False

    def _is_own(self, template: jinja2.Template) -> bool:
        file = template.filename
        return self._folder is not None and file is not None and file.startswith(f"{self._folder}/")

    def _environment(self, folders: tuple[str, ...], language: str) -> jinja2.Environment:
        key = (*folders, language)
        if key not in self._environments:
            assert self._folder is not None, "without a folder there are the shipped ones alone"
            own = [
                jinja2.FileSystemLoader(self._folder / folder / language)
                for folder in folders
                if _FOLDER.fullmatch(folder)
            ]
            self._environments[key] = _environment([*own, *_shipped_loaders(language)])
        return self._environments[key]


def load(folder: Path | None) -> Templates:
    """The shipped templates and those of a folder. Raises TemplatesRefused with every fault."""
    if folder is None:
        return Templates()
    if not folder.is_dir():
        raise TemplatesRefused(str(folder), ["policies.templates is no folder"])
    if faults := [fault for path in sorted(folder.rglob("*.j2")) for fault in _faults(path)]:
        raise TemplatesRefused("policies.templates", faults)
    return Templates(folder)


def _faults(path: Path) -> Iterator[str]:
    """What is wrong with a template before it has met a notice."""
    language = path.parent.name
    if language not in LANGUAGES:
        there_are = " or ".join(LANGUAGES)
        yield f"{path}: it stands in no folder of a language; there are {there_are}"
        return
    environment = _shipped(language)
    known = environment.list_templates()
    if path.name not in known and not path.name.startswith("_"):
        hint = suggestion(path.name, known) or "the shipped ones are listed in docs/operators.md"
        yield f"{path}: no notice has a template of this name ({hint})"
        return
    try:
        tree = environment.parse(text_of(path.read_bytes(), str(path)))
    except (jinja2.TemplateError, InvalidFile, OSError) as error:
        yield f"{path}: {_said(error)}"
        return
    for name in sorted(meta.find_undeclared_variables(tree) - _NAMES):
        hint = suggestion(name, _NAMES) or f"there are {', '.join(sorted(_NAMES))}"
        yield f"{path}: nothing is called {name!r} ({hint})"


def _said(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    return f"{type(error).__name__}: {error}"


@cache
def _shipped(language: str) -> jinja2.Environment:
    return _environment(_shipped_loaders(language))


def _shipped_loaders(language: str) -> list[jinja2.BaseLoader]:
    root = str(resources.files("gateway.outgoing").joinpath(_SHIPPED))
    return [jinja2.FileSystemLoader(f"{root}/{folder}") for folder in (language, _SHARED)]


def _environment(loaders: list[jinja2.BaseLoader]) -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=lambda name: name is not None and ".html." in name,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
