"""Templates that name what a notice does not carry are refused before any notice meets them."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from gateway.outgoing.template_check import faults_in, shipped_faults
from gateway.outgoing.template_files import overlaid, shipped
from gateway.outgoing.templates import TemplatesRefused, load
from rules.mail.language import KNOWN as LANGUAGES
from rules.ticket.notices import NoticeKind


def refusal(root: Path, **templates: str) -> str:
    """The complaint about an operator's templates; a name is a template's without `.j2`."""
    for name, text in templates.items():
        write(root, f"default/en/{name}.txt.j2", text)
    with pytest.raises(TemplatesRefused) as refused:
        load(root)
    return str(refused.value)


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_the_shipped_templates_name_nothing_unknown() -> None:
    assert shipped_faults() == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shipped_template_that_names_something_unknown_is_found(
    tmp_path: Path, language: str
) -> None:
    (tmp_path / "_footer.txt.j2").write_text("{{ tickt }}\n{{ payload.levle }}")

    faults = faults_in(overlaid([tmp_path], language))

    assert "_footer.txt.j2: line 1: unknown name 'tickt' (did you mean ticket?)" in faults[0]
    assert "_footer.txt.j2: line 2: the payload has no 'levle' (did you mean level?)" in faults[1]


def test_a_kind_without_templates_is_found() -> None:
    environment = shipped("en")
    assert environment.loader is not None
    found = {
        name: environment.loader.get_source(environment, name)[0]
        for name in environment.list_templates()
        if name != "status.html.j2"
    }

    assert faults_in(environment.overlay(loader=jinja2.DictLoader(found))) == [
        "status.html.j2 is missing"
    ]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("status", "\n{{ payload.becme }}", "line 2: the payload of status has no 'becme'"),
        ("status", "{{ payload.becme }}", "(did you mean became?)"),
        ("status", '{{ payload["becme"] }}', "(did you mean became?)"),
        ("status", "{% if x %}{{ payload.xyz }}{% endif %}", "(expected one of: became, was, what"),
        ("comment", "{{ payload.xyz }}", "(it has no values)"),
        ("comment", "{{ comment.txt }}", "the comment has no 'txt' (did you mean text?)"),
        ("status", "{{ payload.mentions }}", "(only new_ticket has it: a part that others share"),
        ("status", "{{ detail.became }}", "unknown name 'detail' (it is called payload now)"),
        ("status", "{{ words.text }}", "unknown name 'words' (it is called comment now)"),
    ],
)
def test_an_operators_template_is_refused_with_line_and_suggestion(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    message = refusal(tmp_path, **{name: text})

    assert f"default/en/{name}.txt.j2: line " in message
    assert complaint in message


def test_a_part_is_checked_for_the_kinds_that_include_it(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, status="{% include '_ours.txt.j2' %}", _ours="\n{{ payload.stage }}"
    )

    assert "_ours.txt.j2: line 2: the payload of status has no 'stage'" in message


def test_the_subject_must_test_the_kind_before_it_names_a_value_of_its_payload(
    tmp_path: Path,
) -> None:
    message = refusal(tmp_path, subject="{{ payload.level }}")

    kinds = message.partition("the payload of ")[2].partition(" has no ")[0].split(", ")
    assert set(kinds) == set(NoticeKind) - {NoticeKind.ESCALATION}


@pytest.mark.parametrize(
    "text",
    [
        '{% if kind == "escalation" %}{{ payload.level }}{% endif %}',
        '{% if kind == "escalation" and payload.level %}Level{% endif %}',
        '{% if kind != "escalation" %}-{% else %}{{ payload.level }}{% endif %}',
        '{% if not kind == "escalation" %}-{% else %}{{ payload.level }}{% endif %}',
        '{% if kind != "escalation" or payload.level %}-{% endif %}',
        '{% if kind == "status" %}-{% elif kind == "escalation" %}{{ payload.level }}{% endif %}',
        '{{ payload.level if kind == "escalation" else "" }}',
        '{% if kind in ("escalation",) %}{{ payload.level }}{% endif %}',
        '{% if kind not in ["escalation"] %}-{% else %}{{ payload.level }}{% endif %}',
    ],
)
def test_a_branch_that_a_kind_cannot_reach_may_name_what_it_does_not_carry(
    tmp_path: Path, text: str
) -> None:
    write(tmp_path, "default/en/subject.txt.j2", text)

    load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '{% if kind == "status" %}{{ payload.level }}{% endif %}',
        '{% if kind == "escalation" or ticket %}{{ payload.level }}{% endif %}',
        '{% if ticket and kind != "escalation" %}{{ payload.level }}{% endif %}',
        "{% if for_staff %}{{ payload.level }}{% endif %}",
        '{% if kind == "escalation" %}-{% else %}{{ payload.level }}{% endif %}',
    ],
)
def test_a_branch_that_it_can_reach_may_not(tmp_path: Path, text: str) -> None:
    assert "has no 'level'" in refusal(tmp_path, subject=text)


def test_a_part_that_only_another_folder_uses_may_name_any_kinds_values(tmp_path: Path) -> None:
    write(tmp_path, "default/en/_ours.txt.j2", "{{ payload.level }}")
    write(tmp_path, "support@help.example/en/escalation.txt.j2", "{% include '_ours.txt.j2' %}")
    load(tmp_path)

    assert "the payload has no 'lvl'" in refusal(tmp_path, _ours="{{ payload.lvl }}")


def test_every_value_of_a_payload_may_be_named(tmp_path: Path) -> None:
    for kind in NoticeKind:
        values = kind.traits.payload.__dataclass_fields__
        text = "\n".join(f"{{{{ payload.{name} }}}}" for name in values)
        write(tmp_path, f"default/en/{kind.value}.txt.j2", text)

    load(tmp_path)
