"""Finds what is wrong with templates before they meet a notice.

Each name must be one of the context's, and each `payload.NAME` a field of the payload that notices
of that kind carry. A part that several kinds share may test `kind` or `for_staff` first: a branch
that a kind cannot reach is not checked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

import jinja2
from jinja2 import meta, nodes

from gateway.outgoing.context import TemplateContext
from gateway.outgoing.quoted_comment import QuotedComment
from gateway.outgoing.template_files import SUBJECT, html_name, overlaid, shipped, text_name
from rules.mail.language import KNOWN as LANGUAGES
from rules.ticket.notices import NoticeKind
from rules.validation.messages import InvalidFile, suggestion, text_of

NAMES = frozenset(each.name for each in fields(TemplateContext))
_RENAMED = {"asks": "questions", "detail": "payload", "words": "comment"}
_COMMENT = frozenset(each.name for each in fields(QuotedComment))
_PAYLOADS = {
    kind: frozenset(each.name for each in fields(kind.traits.payload)) for kind in NoticeKind
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """`payload.NAME` or `comment.NAME`, where a template uses it."""

    file: str
    line: int
    of: str
    name: str


@cache
def shipped_faults() -> tuple[str, ...]:
    """What is wrong with the shipped templates, for every kind and language."""
    return tuple(
        f"{language}: {fault}" for language in LANGUAGES for fault in faults_in(shipped(language))
    )


def faults_in(environment: jinja2.Environment) -> list[str]:
    """What is wrong with a whole set of templates. Raises TemplateSyntaxError."""
    known = set(environment.list_templates(extensions=["j2"]))
    wanted = [name for kind in NoticeKind for name in (text_name(kind), html_name(kind))]
    faults = [f"{name} is missing" for name in (SUBJECT, *wanted) if name not in known]
    for name in sorted(known):
        source, file = _source(environment, name)
        faults += _unknown_names(environment.parse(source), file)
    return faults + _unknown_attributes(environment)


def own_faults(root: Path) -> list[str]:
    """What is wrong with an operator's own templates, with file and line."""
    paths = sorted(root.rglob("*.j2"))
    faults = [fault for path in paths for fault in _faults(path)]
    for folder in dict.fromkeys(path.parent for path in paths if path.parent.name in LANGUAGES):
        own = [str(path) for path in paths if path.parent == folder]
        faults += _unknown_attributes(overlaid([folder], folder.name), own)
    return faults


def readable(error: Exception) -> str:
    """What a template raised, in one line."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    return f"{type(error).__name__}: {error}"


def _faults(path: Path) -> Iterator[str]:
    """What is wrong with one template, whichever kind uses it."""
    language = path.parent.name
    if language not in LANGUAGES:
        yield f"{path}: it is not in the folder of a language (expected one of: {_list(LANGUAGES)})"
        return
    environment = shipped(language)
    known = environment.list_templates()
    if path.name not in known and not path.name.startswith("_"):
        hint = suggestion(path.name, known) or "the shipped ones are listed in docs/operators.md"
        yield f"{path}: no notice has a template of this name ({hint})"
        return
    try:
        tree = environment.parse(text_of(path.read_bytes(), str(path)))
    except (jinja2.TemplateError, InvalidFile, OSError) as error:
        yield f"{path}: {readable(error)}"
        return
    yield from _unknown_names(tree, str(path))


def _unknown_names(tree: nodes.Template, file: str) -> Iterator[str]:
    for name in sorted(meta.find_undeclared_variables(tree) - NAMES):
        line = min(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        yield f"{file}: line {line}: unknown name {name!r} ({_name_hint(name)})"


def _name_hint(name: str) -> str:
    if name in _RENAMED:
        return f"it is called {_RENAMED[name]} now"
    return suggestion(name, NAMES) or f"expected one of: {_list(sorted(NAMES))}"


def _unknown_attributes(
    environment: jinja2.Environment, own: Sequence[str] | None = None
) -> list[str]:
    """The attributes that payloads and comments do not have, in all files or in `own` alone."""
    unknown: dict[Attribute, list[NoticeKind]] = {}
    unreached = set(own or ())
    parsed = _Parsed(environment)
    for kind in NoticeKind:
        trees = _reached(parsed, kind)
        unreached -= trees.keys()
        for each in _attributes(trees, _fixed(kind)):
            if each.name not in _known(each, [kind]) and (own is None or each.file in own):
                unknown.setdefault(each, []).append(kind)
    # A part that only another folder's templates include may be any kind's.
    parts = dict(filter(None, (parsed.template(Path(file).name) for file in sorted(unreached))))
    for each in _attributes(parts, {}):
        if each.name not in _known(each, list(NoticeKind)):
            unknown[each] = list(NoticeKind)
    return [_attribute_fault(each, kinds) for each, kinds in unknown.items()]


def _known(each: Attribute, kinds: Iterable[NoticeKind]) -> frozenset[str]:
    """The names that could stand there in a template of these kinds."""
    if each.of == "comment":
        return _COMMENT
    return frozenset().union(*(_PAYLOADS[kind] for kind in kinds))


def _attribute_fault(each: Attribute, kinds: Sequence[NoticeKind]) -> str:
    owner = each.of
    if each.of == "payload" and len(kinds) < len(NoticeKind):
        owner = f"{each.of} of {_list(kinds)}"
    known = _known(each, kinds)
    having = [kind for kind in NoticeKind if each.name in _PAYLOADS[kind]]
    if each.of == "payload" and having:
        hint = f"only {_list(having)} has it: a part that others share must test kind first"
    else:
        listed = f"expected one of: {_list(sorted(known))}" if known else "it has no values"
        hint = suggestion(each.name, known) or listed
    return f"{each.file}: line {each.line}: the {owner} has no {each.name!r} ({hint})"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


# Which templates, and which branches of them, a kind reaches


def _fixed(kind: NoticeKind) -> Mapping[str, object]:
    """The names that have one value for all notices of a kind."""
    return {"kind": kind.value, "for_staff": kind.traits.for_staff}


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The templates of an environment, each parsed once."""

    environment: jinja2.Environment
    by_name: dict[str, tuple[str, nodes.Template] | None] = field(default_factory=dict)

    def template(self, name: str) -> tuple[str, nodes.Template] | None:
        """File and tree of a template; None where it is missing, or broken as `_faults` reports."""
        if name not in self.by_name:
            self.by_name[name] = self._parse(name)
        return self.by_name[name]

    def _parse(self, name: str) -> tuple[str, nodes.Template] | None:
        try:
            source, file = _source(self.environment, name)
            return file, self.environment.parse(source)
        except (jinja2.TemplateError, UnicodeDecodeError, OSError):
            return None


def _source(environment: jinja2.Environment, name: str) -> tuple[str, str]:
    """Text and file of a template. Raises TemplateNotFound."""
    assert environment.loader is not None
    source, file, _ = environment.loader.get_source(environment, name)
    return source, file or name


def _reached(parsed: _Parsed, kind: NoticeKind) -> dict[str, nodes.Template]:
    """The templates that notices of a kind use, by file."""
    trees: dict[str, nodes.Template] = {}
    waiting = [SUBJECT, text_name(kind), html_name(kind)]
    known = set(waiting)
    while waiting:
        found = parsed.template(waiting.pop())
        if found is None:
            continue
        file, tree = found
        trees[file] = tree
        for name in _references(_nodes(tree, _fixed(kind))):
            if name not in known:
                known.add(name)
                waiting.append(name)
    return trees


def _attributes(
    trees: Mapping[str, nodes.Template], fixed: Mapping[str, object]
) -> Iterator[Attribute]:
    for file, tree in trees.items():
        for node in _nodes(tree, fixed):
            match node:
                case nodes.Getattr(node=nodes.Name(name="payload" | "comment" as of), attr=name):
                    yield Attribute(file, node.lineno, of, name)
                case nodes.Getitem(
                    node=nodes.Name(name="payload" | "comment" as of),
                    arg=nodes.Const(value=str(name)),
                ):
                    yield Attribute(file, node.lineno, of, name)


def _references(found: Iterable[nodes.Node]) -> Iterator[str]:
    """The templates that others extend, include or import by a fixed name."""
    for node in found:
        match node:
            case (
                nodes.Extends(template=nodes.Const(value=str(name)))
                | nodes.Include(template=nodes.Const(value=str(name)))
                | nodes.Import(template=nodes.Const(value=str(name)))
                | nodes.FromImport(template=nodes.Const(value=str(name)))
            ):
                yield name


def _nodes(node: nodes.Node, fixed: Mapping[str, object]) -> Iterator[nodes.Node]:
    """A node and those below it, except branches that cannot be taken with these values."""
    yield node
    for child in _children(node, fixed):
        yield from _nodes(child, fixed)


def _children(node: nodes.Node, fixed: Mapping[str, object]) -> Iterator[nodes.Node]:
    match node:
        case nodes.If():
            for branch in (node, *node.elif_):
                yield branch.test
                holds = _holds(branch.test, fixed)
                if holds is not False:
                    yield from branch.body
                if holds is True:
                    return
            yield from node.else_
        case nodes.CondExpr():
            holds = _holds(node.test, fixed)
            yield node.test
            if holds is not False:
                yield node.expr1
            if holds is not True and node.expr2 is not None:
                yield node.expr2
        case nodes.And() | nodes.Or():
            decides = isinstance(node, nodes.Or)  # what the left side alone can decide
            yield node.left
            if _holds(node.left, fixed) is not decides:
                yield node.right
        case _:
            yield from node.iter_child_nodes()


def _holds(test: nodes.Node, fixed: Mapping[str, object]) -> bool | None:
    """Whether a test holds with these values; None where it depends on the notice."""
    match test:
        case nodes.Name(name=name) if name in fixed:
            return bool(fixed[name])
        case nodes.Not(node=inner):
            holds = _holds(inner, fixed)
            return None if holds is None else not holds
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            decides = isinstance(test, nodes.Or)
            sides = (_holds(left, fixed), _holds(right, fixed))
            return decides if decides in sides else None if None in sides else not decides
        case nodes.Compare(
            expr=nodes.Name(name=name),
            ops=[nodes.Operand(op="eq" | "ne" as op, expr=nodes.Const(value=value))],
        ) if name in fixed:
            return (fixed[name] == value) is (op == "eq")
        case nodes.Compare(
            expr=nodes.Name(name=name),
            ops=[
                nodes.Operand(
                    op="in" | "notin" as op, expr=nodes.Tuple(items=items) | nodes.List(items=items)
                )
            ],
        ) if name in fixed:
            values = [item.value for item in items if isinstance(item, nodes.Const)]
            found = fixed[name] in values
            return found is (op == "in") if found or len(values) == len(items) else None
    return None
