"""The sixteen promises: what each means to a user, and the tests that show it."""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """One promise; the tests are paths below ``tests`` with a function's name."""

    title: str
    means: str
    tests: tuple[str, ...]
    faults: str = ""


PROMISES = (
    Promise(
        "No double effect",
        "A step that is recorded as done never runs again. Of a step that was begun and whose end "
        "is not known, the world is looked at first; what was done is adopted, and a command that "
        "leaves no trace is asked about.",
        (
            "faults/test_process.py::test_f03_killed_after_the_effect_adopts_it",
            "faults/test_process.py::test_f02_a_command_that_leaves_no_trace_yet_is_asked_about",
            "faults/test_process.py::test_f04_killed_after_done_skips_it",
        ),
        "F01-F04 F37 F49",
    ),
    Promise(
        "Resume",
        "An engine may be killed at any instruction. `drtool resume` ends in the same final world "
        "as a run that nobody disturbed, also when the resume is killed in its turn.",
        (
            (
                "faults/test_every_crash_point.py::"
                "test_killed_at_every_crash_point_it_ends_in_the_same_world"
            ),
            "faults/test_any_sequence.py::test_no_sequence_of_crashes_breaks_a_promise",
            "faults/test_process.py::test_every_crash_point_there_is_ends_in_the_same_world",
            "faults/test_process.py::test_f06_killed_while_resuming_five_deep",
            (
                "faults/test_lab_resume.py::"
                "test_f02_f03_an_engine_killed_in_a_real_failover_is_resumed_to_the_same_world"
            ),
        ),
        "F01-F07 F09",
    ),
    Promise(
        "No acknowledged record lost",
        "Whatever was printed or reported as done is in the journal after kill -9; a journal that "
        "cannot be written stops the run before its next effect, and one that was cut is noticed.",
        (
            "faults/test_journal_damage.py::test_f18_f19_a_spoilt_log_is_noticed_each_time",
            (
                "unit/journal/test_tampering.py::"
                "test_a_commit_that_was_not_anchored_is_anchored_at_the_next_opening"
            ),
        ),
        "F05 F15-F22",
    ),
    Promise(
        "Never two writable primaries by our action",
        "A standby is promoted only after it is proven that the old primary cannot write, and "
        "stays unable when somebody starts it again. In the lab two writers write to both sites "
        "all the time; the drill fails if ever both are taken.",
        (
            "unit/lab/test_two_writers.py::test_an_old_primary_that_goes_on_is_a_moment",
            "unit/lab/test_account.py::test_two_writers_are_a_failure",
            "faults/test_postgresql_fence.py::test_f30_a_fence_survives_a_supervisor",
            ("faults/test_lab_refusal.py::test_without_any_path_to_a_fence_nothing_is_promoted"),
        ),
        "F26-F33 F40 F41 F56 L03-L05",
    ),
    Promise(
        "One run per service",
        "From however many machines: a second start is refused and names the holder. A holder that "
        "was away too long cannot act; its token is checked right before each effect.",
        (
            (
                "faults/test_lab_exclusion.py::"
                "test_f12_of_20_starts_at_the_same_moment_one_runs_and_19_name_it"
            ),
            (
                "faults/test_lab_exclusion.py::"
                "test_f63_of_two_machines_with_journals_of_their_own_one_is_refused_by_the_arbiter"
            ),
            "unit/engine/test_run.py::test_a_lost_lease_ends_all_effects",
        ),
        "F08 F12 F23 F63 F64",
    ),
    Promise(
        "The RPO is honoured",
        "A promotion is refused when it would lose more than the RPO, or when nobody knows how "
        "much. To accept a loss a person names the amount and a reason, and both stand in the "
        "report.",
        (
            "faults/test_postgresql_promote.py::test_f34_lag_over_the_rpo_is_refused_with_numbers",
            (
                "faults/test_postgresql_promote.py::"
                "test_f35_lag_unknown_is_refused_unless_the_last_sample_is_good"
            ),
            (
                "unit/safety/test_loss.py::"
                "test_the_bound_runs_from_the_newest_news_to_the_start_of_the_outage_never_to_now"
            ),
            "unit/engine/test_ending.py::test_who_accepts_any_loss_never_meets_the_rpo",
        ),
        "F34-F36 L14-L16",
    ),
    Promise(
        "DNS is never left empty and never made stale",
        "A name is replaced only where it still has the value that was seen, in one update that "
        "never deletes alone. A server that answers the old value blocks; one that is cut off is "
        "named and does not, as long as `min_servers` agree.",
        (
            "faults/test_dns.py::test_f51_the_name_is_never_empty_while_it_is_redirected",
            "faults/test_dns.py::test_f50_a_stale_plan_is_refused",
            "faults/test_dns.py::test_f48_a_stale_server_blocks",
        ),
        "F47-F53 L06-L08",
    ),
    Promise(
        "It works when its helpers are down",
        "Prefect, Slack, DNS servers and the old site may be down, hung or slow. They cost at most "
        "their stated time limits, and what was not told or recorded is said.",
        (
            "faults/test_prefect.py::test_f60_prefect_hung_in_mid_run",
            "faults/test_notices.py::test_f61_a_run_is_the_same_whatever_slack_does",
            (
                "faults/test_dns.py::"
                "test_f47_with_one_server_down_the_other_is_updated_and_it_is_named"
            ),
        ),
        "F47 F59-F61",
    ),
    Promise(
        "Bounded time",
        "Each step has a deadline, and an abort reaches a state with a name. Times are measured by "
        "a clock that does not jump; across a restart of the machine the wall clock is used, and "
        "its skew is told. What people took to decide is reported apart.",
        (
            (
                "unit/engine/test_consent.py::"
                "test_a_fence_that_is_not_proven_refuses_at_its_deadline"
            ),
            "unit/progress/test_gap.py::test_a_clock_that_was_moved_is_told_with_its_skew",
            "unit/progress/test_objectives.py::test_a_jump_of_the_wall_clock_does_not_count",
        ),
        "F11 F24 F25 F38 F54 F55",
    ),
    Promise(
        "Dry-run and tabletop touch nothing",
        "The same plan with the same digest, and no object within reach that could change "
        "anything.",
        (
            "unit/engine/test_run.py::test_a_dry_run_shows_and_touches_nothing",
            "unit/engine/test_consent.py::test_a_dry_run_asks_nobody",
        ),
    ),
    Promise(
        "A rehearsal cannot reach production",
        "Where a rehearsal works is checked when it is planned and again before each effect.",
        (
            "unit/runbook/test_planning.py::test_a_rehearsal_keeps_away_from_production",
            "unit/runbook/test_planning.py::test_a_rehearsal_that_names_production_is_a_fault",
        ),
    ),
    Promise(
        "What was approved is what runs",
        "An approval is for one run, one plan and the changes that were shown; any difference "
        "voids it, and it is asked again. Who asks does not approve. What nobody answers expires "
        "into a refusal.",
        (
            "unit/engine/test_quorum.py::test_a_signature_of_something_else_is_void",
            "unit/engine/test_quorum.py::test_the_requester_cannot_approve_but_may_refuse",
            "unit/engine/test_quorum.py::test_an_answer_after_the_end_of_the_wait_is_expired",
        ),
        "F13 F14 F62",
    ),
    Promise(
        "The journal is tamper-evident",
        "What was edited, deleted, put in another order, cut off or hashed anew is found, against "
        "the anchor beside the journal and against a head that was carried away.",
        (
            (
                "unit/journal/test_tampering.py::"
                "test_a_history_hashed_anew_from_a_point_on_is_found_by_the_anchor"
            ),
            ("unit/journal/test_tampering.py::test_an_exported_head_finds_a_history_written_anew"),
            "unit/journal/test_tampering.py::test_a_shorter_journal_is_refused",
        ),
        "F18-F23",
    ),
    Promise(
        "Secrets never leave",
        "A canary secret is searched for in every artefact of a run: journal, log, Slack, Prefect, "
        "errors, process arguments, report.",
        (
            "unit/journal/test_store.py::test_no_secret_reaches_the_disk",
            "faults/test_secrets.py::test_no_secret_leaves_a_run_that_goes_directly",
            "faults/test_secrets.py::test_no_secret_leaves_a_run_through_prefect",
            "faults/test_postgresql_reinstate.py::test_no_password_stands_in_a_command",
        ),
    ),
    Promise(
        "Clear refusal",
        "Bad input ends with exit code 2, with its place, what is wrong and what to write; never "
        "with a traceback, never with half a start. The list stands below.",
        (
            "unit/cli/test_main.py::test_bad_input_ends_with_code_2_and_no_traceback",
            "unit/cli/test_bad_input.py::test_it_ends_with_code_2_and_starts_nothing",
            (
                "faults/test_lab_bad_input.py::"
                "test_what_is_needed_and_wrong_is_named_before_anything_starts"
            ),
        ),
    ),
    Promise(
        "Reported is real",
        "Times and verdicts come from looking at the target: the recovery time ends with the first "
        "accepted write on the new primary through the service's own name, not with a return code. "
        "Whatever lies, no run says that its objectives were met.",
        (
            (
                "unit/progress/test_objectives.py::"
                "test_recovery_time_ends_at_the_first_success_from_outside"
            ),
            (
                "unit/engine/test_run.py::"
                "test_what_is_reported_done_and_not_seen_fails_at_the_deadline"
            ),
            "unit/reports/test_report.py::test_what_was_not_measured_is_never_met",
        ),
        "F44-F46 L01-L20",
    ),
)
