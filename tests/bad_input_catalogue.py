"""Every kind of bad input that is told of, and the tests that show it."""

from __future__ import annotations

_YAML = "unit/runbook/test_bad_yaml.py::test_told_with_place_reason_and_fix"
_RUNBOOK = "unit/runbook/test_bad_runbook.py::test_told_with_place_reason_and_fix"
_ORDER = "unit/runbook/test_bad_order.py"
_INVENTORY = "unit/runbook/test_bad_inventory.py::test_told_with_place_reason_and_fix"
_COMMANDS = "unit/cli/test_main.py::test_bad_input_ends_with_code_2_and_no_traceback"
_SSH = "integration/test_ssh.py"


def _rows(test: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{test}[{name}]" for name in names)


BAD_INPUT: dict[str, dict[str, tuple[str, ...]]] = {
    "YAML": {
        "an empty file": _rows(_YAML, "empty", "only a comment"),
        "not a mapping": _rows(_YAML, "not a mapping"),
        "a tab in the indentation": _rows(_YAML, "tab", "tab after spaces"),
        "a key that stands twice": _rows(_YAML, "duplicate key"),
        "`!!python/object`": _rows(_YAML, "python object"),
        "an alias bomb": _rows(_YAML, "alias bomb"),
        "a recursive alias": _rows(_YAML, "recursive alias", "deeply recursive alias"),
        "5 MB, or 200 levels": _rows(_YAML, "5 MB", "200 levels", "200 block levels"),
        "BOM, UTF-16, NUL": _rows(_YAML, "byte order mark", "UTF-16", "NUL"),
        "`010`, `1e3`, `12:30`": _rows(_YAML, "octal", "exponent", "sexagesimal"),
        "`on` for a flag": (
            *_rows(_RUNBOOK, "on for a flag", "on for an action's flag"),
            "unit/runbook/test_bad_yaml.py::test_scalars_resolve_by_the_core_schema",
        ),
    },
    "Runbook": {
        "an unknown key": _rows(_RUNBOOK, "unknown key", "unknown key of a step"),
        "a negative, zero, infinite or unit-less duration": _rows(
            _RUNBOOK,
            *("negative duration", "zero duration", "infinite duration"),
            "duration without a unit",
        ),
        "a step that stands twice": _rows(_RUNBOOK, "duplicate step"),
        "an unknown block": _rows(_RUNBOOK, "unknown block"),
        "blocks that use each other": _rows(_RUNBOOK, "blocks that use each other"),
        "a block never used": _rows(_RUNBOOK, "a block never used"),
        "a promotion with no fence before it": _rows(_RUNBOOK, "promote with no fence before it"),
        "a fence that proves nothing of what is promoted": (
            f"{_ORDER}::test_a_fence_that_proves_nothing_of_a_database_lets_no_promotion_through",
            f"{_ORDER}::test_a_manual_step_proves_nothing_of_a_database",
        ),
        "a one-way step without consent": _rows(_RUNBOOK, "one-way without an approval"),
        "redirect before promote": (
            *_rows(_RUNBOOK, "redirect before promote"),
            f"{_ORDER}::test_clients_are_not_moved_to_what_may_not_have_been_promoted",
        ),
        "no failback and no waiver": _rows(_RUNBOOK, "no failback and no waiver"),
        "budgets over the RTO": _rows(_RUNBOOK, "budgets over the RTO"),
        "a reference that cannot be filled": _rows(
            _RUNBOOK,
            "reference to a step that is not upstream",
            "reference to a field that is not given",
        ),
        "a template that calls or reaches into internals": (
            *_rows(_RUNBOOK, "template that calls", "template that reaches into internals"),
            "unit/runbook/test_templates.py::test_may_not_say",
        ),
        "a secret in clear": (
            *_rows(_RUNBOOK, "secret in clear", "secret in a URL", "secret in an argument"),
            "unit/runbook/test_given_secrets.py::test_a_secret_that_a_command_is_given_is_told",
            "unit/runbook/test_bad_runbook.py::test_no_secret_is_repeated",
        ),
        "an argument that starts with a dash": (
            "unit/runbook/test_templates.py::test_an_argument_does_not_become_an_option",
            "unit/runbook/test_templates.py::test_nor_does_one_of_a_list_that_an_expression_makes",
        ),
        "an unknown action": (
            *_rows(_RUNBOOK, "unknown action", "unknown action unlike any"),
            "unit/test_catalog.py::test_the_extra_that_would_bring_it_is_told",
        ),
    },
    "Inventory": {
        "a missing host": _rows(_INVENTORY, "missing host"),
        "the same host in both roles": _rows(
            _INVENTORY, "the same host in both roles", "the same machine under two names"
        ),
        "a wrong or shared system identity": _rows(
            _INVENTORY, "wrong system identity", "shared system identity"
        ),
        "a production host in a rehearsal": (
            "unit/runbook/test_planning.py::test_a_rehearsal_that_names_production_is_a_fault",
        ),
        "an unknown or changed host key": (
            f"{_SSH}::test_a_changed_host_key_is_refused_with_both_fingerprints",
            (
                "faults/test_lab_bad_input.py::"
                "test_what_is_needed_and_wrong_is_named_before_anything_starts[ssh host key]"
            ),
        ),
        "a key file open to others": (
            "unit/runbook/test_bad_inventory.py::test_a_key_file_open_to_others_is_refused",
            f"{_SSH}::test_a_key_file_open_to_others_is_refused",
        ),
        "a weak TSIG algorithm": _rows(_INVENTORY, "weak TSIG algorithm"),
        "bad base64": (
            *_rows(_INVENTORY, "bad base64"),
            "faults/test_dns.py::test_f52_a_key_that_is_not_base64_is_bad_input",
        ),
    },
    "Command line": {
        "an unknown run": (_COMMANDS, "unit/verbs/test_steer.py::test_a_run_that_is_not_there"),
        "a run that has ended": ("unit/verbs/test_steer.py::test_a_run_that_has_ended",),
        "a duration without unit": (
            "unit/verbs/test_request.py::test_an_outage_start_that_makes_no_sense_is_refused",
        ),
        "a live run without a terminal and without an approval": (_COMMANDS,),
    },
    "Notices and approvals": {
        "a channel, webhook or token that is none": (
            "unit/runbook/test_bad_notify.py::test_a_fault_is_told_with_its_place",
        ),
        "an approval that came too late": (
            "unit/engine/test_quorum.py::test_an_answer_after_the_end_of_the_wait_is_expired",
        ),
        "an approval by somebody who may not": (
            "unit/engine/test_quorum.py::test_who_may_not_approve",
            "unit/engine/test_quorum.py::test_the_requester_cannot_approve_but_may_refuse",
        ),
    },
}
