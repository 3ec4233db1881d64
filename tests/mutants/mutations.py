"""The ways to break the barriers, one at a time, and the tests that must detect each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of text in one file."""

    path: str
    old: str
    """Must occur exactly once in the file."""
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """Edits that break a barrier, and the tests that must fail."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    """The arguments of pytest: files or node ids. Tests on PostgreSQL are excluded."""


SEVERITY, DECIDE = "rules/ticket/severity.py", "rules/decision/decide.py"
PARSER, COMMANDS = "rules/policy/severity.py", "rules/commands/values.py"
VOCABULARY, CHANGES = "rules/ticket/changes.py", "rules/decision/change/state.py"
OPENING, WRITER, TABLES = (
    "storage/ticket/opening.py",
    "storage/ticket/write.py",
    "storage/db/tables/tickets.py",
)
MERGING, RELOADING = "rules/decision/change/merged_severity.py", "gateway/reloading.py"
FIRST_TABLES = "storage/db/migrations/versions/0001_the_first_tables.py"

BARRIERS = "tests/mutants/test_barriers.py"
PROPERTIES = "tests/properties/test_never_critical.py"
TYPES = f"{BARRIERS}::test_mypy_refuses_a_level_where_the_severity_of_a_mail_is_wanted"
AT_THE_END = f"{BARRIERS}::test_the_check_at_the_end_stops_what_the_type_let_through"
PARSED = f"{PROPERTIES}::test_the_parser_accepts_no_policy_under_which_a_mail_could_be_critical"
OPENED = f"{PROPERTIES}::test_a_ticket_opens_at_the_ceiling_or_below_whatever_its_mail_claims"
COMMANDED = f"{PROPERTIES}::test_a_command_that_names_a_critical_level_is_refused_and_sets_nothing"
SCENARIOS = f"{PROPERTIES}::test_no_scenario_makes_a_ticket_critical_by_mail_on_sqlite"
OF_SEVERITY, OF_THE_DATABASE = (
    "tests/rules/ticket/test_severity.py",
    "tests/storage/db/test_database.py",
)
RELOADED = "tests/gateway/test_reloading.py::test_no_reload_makes_a_mails_ticket_critical"
OF_MERGES = "tests/storage/ticket/test_merged_severity.py"
MERGED_BY_MAIL = (
    f"{OF_MERGES}::TestACriticalTicketIsMergedIntoALesserOne"
    "::test_by_mail_it_is_refused_with_a_way_out"
)

ALL_ALLOWED = Edit(
    SEVERITY,
    "allowed = [level for level in levels if not level.critical]",
    "allowed = list(levels)",
)
NO_CEILING = Edit(SEVERITY, "limit = min(ranks[ceiling], top)", "limit = top")
NO_CHECK_AT_THE_END = Edit(
    DECIDE, "if isinstance(action, OpenTicket):", "if isinstance(action, OpenTicket) and False:"
)
ANY_SOURCE = Edit(
    CHANGES,
    "if level.critical and not facts.may_be_critical:",
    "if level.critical and False:",
)
ANY_COMMAND = (
    Edit(COMMANDS, "        if level.critical:\n", "        if level.critical and False:\n"),
    Edit(
        COMMANDS,
        "[level for level in levels if not level.critical and level.rank <= top]",
        "list(levels)",
    ),
)
MERGES_BY_MAIL = Edit(
    MERGING, "if not facts.may_be_critical:", "if not facts.may_be_critical and False:"
)
FOR_A_WORKAROUND = (
    "    return _change_severity(ticket, level, reason, {}, policy, workaround=True)\n"
)

MUTATIONS = (
    Mutation("capped() accepts critical levels", (ALL_ALLOWED,), (OF_SEVERITY,)),
    Mutation("capped() returns the claimed level", (ALL_ALLOWED, NO_CEILING), (OF_SEVERITY,)),
    Mutation("capped() ignores the ceiling", (NO_CEILING,), (OF_SEVERITY,)),
    Mutation(
        "a MailSeverity can be constructed directly",
        (
            Edit(
                SEVERITY,
                'raise TypeError("a MailSeverity is built only by rules.ticket.severity.capped()")',
                "return object.__new__(cls)",
            ),
        ),
        (OF_SEVERITY,),
    ),
    Mutation(
        "MailSeverity can be subclassed",
        (Edit(SEVERITY, "@final\nclass MailSeverity", "class MailSeverity"),),
        (TYPES,),
    ),
    Mutation(
        "#severity may hold any level",
        (
            Edit(VOCABULARY, "import MailSeverity", "import Level"),
            Edit(VOCABULARY, "severity: MailSeverity", "severity: Level"),
        ),
        (TYPES,),
    ),
    Mutation("no check at the end of decide()", (NO_CHECK_AT_THE_END,), (AT_THE_END,)),
    Mutation(
        "neither type nor check at the end",
        (ALL_ALLOWED, NO_CEILING, NO_CHECK_AT_THE_END),
        (SCENARIOS,),
    ),
    Mutation(
        "the parser accepts critical limits",
        (Edit(PARSER, "if by_name[getattr(self, key)].critical:", "if False:"),),
        (PARSED,),
    ),
    Mutation(
        "the parser accepts any critical level",
        (
            Edit(
                PARSER,
                "if not critical[0] or critical[-1] or critical != sorted(critical, reverse=True):",
                "if False:",
            ),
        ),
        (PARSED,),
    ),
    Mutation("#severity accepts critical levels", ANY_COMMAND, (COMMANDED,)),
    Mutation(
        "changes by mail may be critical",
        (ANY_SOURCE,),
        (f"{BARRIERS}::test_only_the_api_and_the_console_make_a_ticket_critical",),
    ),
    Mutation(
        "staff mail may set critical",
        (
            Edit(
                "rules/ticket/sources.py",
                "(Source.CONSOLE, Source.API)",
                "(Source.CONSOLE, Source.API, Source.STAFF_MAIL)",
            ),
        ),
        (f"{BARRIERS}::test_only_the_api_and_the_console_make_a_ticket_critical",),
    ),
    Mutation(
        "changes by mail are recorded as the API's",
        (
            ANY_SOURCE,
            Edit(WRITER, '"severity_source": context.source.value', '"severity_source": "api"'),
        ),
        (f"{BARRIERS}::test_only_the_api_and_the_console_make_a_ticket_critical",),
    ),
    Mutation(
        "a workaround by mail may be critical",
        (
            Edit(
                CHANGES,
                FOR_A_WORKAROUND.format("facts"),
                "    from dataclasses import replace\n    from rules.ticket.changes import Source\n"
                + FOR_A_WORKAROUND.format("replace(facts, source=Source.API)"),
            ),
        ),
        (f"{BARRIERS}::test_a_workaround_by_mail_does_not_set_the_lower_of_two_critical_levels",),
    ),
    Mutation(
        "commands of customers are executed",
        (
            Edit(
                "rules/decision/filing.py",
                "sender.standing is Standing.STAFF and entitled.right is not Right.FLAG",
                "entitled.right is not Right.FLAG",
            ),
        ),
        (f"{BARRIERS}::test_a_ticket_made_critical_stays_so_whatever_its_customer_writes",),
    ),
    Mutation(
        "a mail's ticket is recorded as the API's",
        (Edit(OPENING, '"severity_source": context.source.value', '"severity_source": "api"'),),
        (f"{BARRIERS}::test_a_ticket_opened_by_mail_has_mail_as_its_severity_source",),
    ),
    Mutation(
        "a mail opens a critical ticket",
        (Edit(OPENING, '"critical": any(', '"critical": not any('),),
        (f"{BARRIERS}::test_a_ticket_opened_by_mail_has_mail_as_its_severity_source",),
    ),
    Mutation("a merge by mail makes a ticket critical", (MERGES_BY_MAIL,), (MERGED_BY_MAIL,)),
    Mutation(
        "a merge by mail is recorded as the API's",
        (
            MERGES_BY_MAIL,
            Edit(WRITER, '"severity_source": context.source.value', '"severity_source": "api"'),
        ),
        (MERGED_BY_MAIL,),
    ),
    Mutation(
        "a critical ticket is lost in a lesser one",
        (Edit(MERGING, "if level is not None and (", "if level is None and ("),),
        (SCENARIOS,),
    ),
    Mutation(
        "a claim sets the severity",
        (
            Edit(
                WRITER,
                '"critical_claimed": critical}',
                '"critical_claimed": critical, "severity": claimed, "critical": critical}',
            ),
        ),
        (f"{OF_MERGES}::TestClaims::test_by_mail_too",),
    ),
    Mutation(
        "a reload checks no tickets",
        (Edit(RELOADING, "partial(policies.check_all, new)", "lambda _: None"),),
        (RELOADED,),
    ),
    Mutation(
        "no constraint in the database",
        (
            Edit(
                TABLES,
                'f"NOT critical OR severity_source IN {CRITICAL_SOURCES!r}"',
                '"NOT critical OR critical"',
            ),
            Edit(
                FIRST_TABLES,
                "NOT critical OR severity_source IN ('console', 'api')",
                "NOT critical OR critical",
            ),
        ),
        (OF_THE_DATABASE,),
    ),
)
