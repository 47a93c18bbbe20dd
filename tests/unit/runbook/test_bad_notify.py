"""What an inventory may say of notices: each fault gives its place, its reason and its fix."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from good_documents import Lint, Load

from drtool.actions.slack import Post
from drtool.catalog import Catalog
from drtool.model.notify import Notify
from drtool.model.purpose import Procedure
from drtool.runbook.digest import digest_of
from drtool.runbook.planning import ObservedRoles, plan

HOW_TO = Path(__file__).parents[3] / "docs/how-to/notify-slack.md"
SHOWN = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
AFTER = "roles:\n"
TOKEN = 'token: {secret: "env:SLACK_TOKEN"}'
REF = '{secret: "env:NAME"}, {secret: "file:PATH"} or {secret: "command:PROGRAM"}'
ID = "copy it from the channel's details, as in C0123ABCD"


def notify(text: str) -> list[tuple[str, str]]:
    return [(AFTER, f"notify: {text}\n{AFTER}")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f'{{slack: {{channel: "#incidents", {TOKEN}}}}}',
            f"30:27: channel: '#incidents' is not a channel's id\n  hint: {ID}",
        ),
        (
            f"{{slack: {{channel: C0INCIDENT, fallback_channel: C0INCIDENT, {TOKEN}}}}}",
            (
                "30:17: slack: fallback_channel is the channel itself\n"
                "  hint: name another one, or none"
            ),
        ),
        (
            "{slack: {channel: C0INCIDENT, token: xoxb-1234}}",
            f"30:46: token is a secret in clear\n  hint: {REF}",
        ),
        (
            '{webhook: {url: "https://hooks.example/services/T/B/x"}}',
            f"30:25: url is not a reference to a secret\n  hint: {REF}",
        ),
        (
            f'{{slack: {{channel: C0INCIDENT, {TOKEN}, url: "http://slack.example/"}}}}',
            ("30:80: url: is no https URL\n  hint: a token must not be sent in clear"),
        ),
        ("{}", "30:9: notify: names no way\n  hint: write slack, webhook or both"),
        (
            f"{{slack: {{channel: C0INCIDENT, {TOKEN}, mentions: {{commander: U0ANN}}}}}}",
            (
                "30:97: notify: mentions of commander, which is not under roles\n"
                "  hint: did you mean incident_commander?"
            ),
        ),
        (
            f"{{slack: {{channel: C0INCIDENT, {TOKEN}, mentions: {{incident_commander: ann}}}}}}",
            (
                "30:106: incident_commander: 'ann' is not the id of a person or a user group\n"
                "  hint: copy it from the profile: U0123"
            ),
        ),
        (
            f"{{slack: {{channel: C0INCIDENT, {TOKEN}}}, dry_runs: yes}}",
            "30:86: dry_runs is 'yes', expected true or false\n  hint: write true",
        ),
        (
            f"{{slack: {{chanel: C0INCIDENT, {TOKEN}}}}}",
            "30:18: unknown key chanel\n  hint: did you mean channel?",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(lint: Lint, text: str, told: str) -> None:
    assert f"inventory.yaml:{told}" in lint(inventory=notify(text)), lint(inventory=notify(text))


def test_a_good_one_is_taken_and_changes_no_plan(loading: Load, catalog: Catalog) -> None:
    told = loading(inventory=notify(f"{{slack: {{channel: C0INCIDENT, {TOKEN}}}}}"))
    assert isinstance(told.inventory.notify, Notify)
    roles = ObservedRoles(primaries=("east",), standbys=("west",))
    digests = {
        digest_of(
            plan(
                loaded,
                Procedure.FAILOVER,
                roles,
                from_site="east",
                to_site="west",
                catalog=catalog,
            )
        )
        for loaded in (told, loading())
    }
    assert len(digests) == 1


def test_a_notice_in_slack_wants_an_inventory_that_speaks_of_it(
    lint: Lint, catalog: Catalog
) -> None:
    catalog.register("slack.post", Post)
    step = ("    - use: move_clients\n", '    - {step: tell, notice: slack.post, text: "hi"}\n')
    (fault,) = lint((step[0], step[1] + step[0]))
    assert "step tell: slack.post, and the inventory does not speak of Slack" in fault
    assert not lint(
        (step[0], step[1] + step[0]),
        inventory=notify(f"{{slack: {{channel: C0INCIDENT, {TOKEN}}}}}"),
    )


@pytest.mark.parametrize("text", [text for text in SHOWN if "notify:" in text])
def test_what_the_how_to_shows_of_inventories_is_clean(lint: Lint, text: str) -> None:
    assert not lint(inventory=[(AFTER, textwrap.dedent(text) + AFTER)])


@pytest.mark.parametrize("text", [text for text in SHOWN if "notify:" not in text])
def test_what_the_how_to_shows_of_runbooks_is_clean(
    lint: Lint, catalog: Catalog, text: str
) -> None:
    catalog.register("slack.post", Post)
    step = textwrap.indent(textwrap.dedent(text), "    ")
    told = notify(f"{{slack: {{channel: C0INCIDENT, {TOKEN}}}}}")
    last = "    - use: move_clients\n"
    assert not lint((last, step + last), inventory=told)
