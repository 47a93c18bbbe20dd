"""Secrets that a command is given in clear, and what is none."""

from __future__ import annotations

import json

import pytest
from good_documents import Lint
from pydantic import JsonValue

from drtool.runbook.secrecy import secrets_in

FENCE = "    - {step: fence, action: postgresql.fence, at: from, budget: 20s, deadline: 60s}\n"
HINT = (
    "leave it in a file on the host, that the command reads itself, and name the file: "
    "PGPASSFILE, curl --netrc-file"
)
# a command, and the places of its secrets
GIVEN: list[tuple[list[JsonValue], list[int]]] = [
    (["env", "PGPASSWORD=hunter22", "psql"], [1]),
    (["sh", "-c", "PGPASSWORD=hunter22 psql"], [2]),
    (["sh", "-c", "PGPASSWORD='hunter 22' psql -h {{ to_site.address }}"], [2]),
    (["sh", "-c", "export API_TOKEN=abc; run"], [2]),
    (["psql", "host=x user=y password=hunter22"], [1]),
    (["mysql", "--password=hunter22"], [1]),
    (["x", "--db-password=hunter22"], [1]),
    (["x", "--token=/run/abc"], [1]),
    (["java", "-Djavax.net.ssl.keyStorePassword=hunter22"], [1]),
    (["mysql", "--password", "hunter22"], [2]),
    (["x", "--api-token", "abc", "--verbose"], [2]),
    (["x", "-passwd", "hunter22"], [2]),
    (["sh", "-ec", "mysql --password hunter22 orders"], [2]),
    (["curl", "-u", "bob:hunter22", "https://x.test"], [2]),
    (["/usr/bin/curl", "-sS", "--user", "bob:hunter22"], [3]),
    (["curl", "-ubob:hunter22"], [1]),
    (["curl", "--user=bob:hunter22"], [1]),
    (["curl", "-u", "{{ service.name }}:hunter22"], [2]),
    (["bash", "-lc", "curl -u bob:hunter22 https://x.test | grep ok"], [2]),
    (["curl", "-H", "Authorization: Bearer abc"], [2]),
    (["curl", "-H", "authorization: basic Ym9i"], [2]),
    (["curl", "-HX-Api-Key: abc"], [1]),
    (["sh", "-c", 'curl -H "Authorization: Bearer abc" https://x.test'], [2]),
    (["x", "https://bob:hunter22@{{ to_site.address }}/"], [1]),
]
FINE: list[list[JsonValue]] = [
    ["env", "PASSWORD_FILE=/path/to/it", "run"],
    ["env", "PASSWORD_FILE=it", "TOKEN_PATH=./it", "run"],
    ["env", "RESTIC_PASSWORD_COMMAND=pass", "SECRET_NAME=orders", "TOKEN_TTL=5m", "run"],
    ["env", "PGPASSFILE=/srv/pgpass", "psql"],
    ["env", "PGPASSWORD={{ params.x }}", "psql"],
    ["sh", "-c", "PGPASSWORD=$PGPASSWORD psql"],
    ["sh", "-c", 'PGPASSWORD="$(cat /run/pw)" psql --password="$PGPASSWORD"'],
    ["sh", "-c", "PASSWORD= run; test $TOKEN == abc"],
    ["x", "--password={{ params.x }}", "--token=$TOKEN", "--use-token=true"],
    ["x", "--password", "{{ params.x }}"],
    ["x", "--password", "$PGPASSWORD"],
    ["x", "--token", "/run/token"],
    ["x", "--token", "@token"],
    ["mysql", "--password", "--batch"],
    ["x", "--password", "-"],
    ["mysql", "--password"],
    ["psql", "--no-password", "orders"],
    ["x", "--password-file", "it", "--password-stdin", "it"],
    ["kill-token", "it"],
    ["curl", "-u", "bob", "https://x.test:8443"],
    ["curl", "-u", "bob:$PASSWORD"],
    ["curl", "--user", "{{ params.x }}:{{ params.y }}"],
    ["docker", "exec", "-u", "1000:1000", "box", "curl", "https://x.test"],
    ["sh", "-c", "curl -s https://x.test && docker exec -u 1000:1000 box ls"],
    ["curl", "-H", "Authorization: Bearer {{ params.x }}"],
    ["sh", "-c", 'curl -H "Authorization: Bearer $TOKEN" https://x.test'],
    ["sh", "-c", "echo 'unbalanced"],
    ["x", 3, None, True, [], {}],
]


@pytest.mark.parametrize(("argv", "places"), GIVEN, ids=[str(argv) for argv, _ in GIVEN])
def test_a_secret_that_a_command_is_given_is_told(argv: list[JsonValue], places: list[int]) -> None:
    found = [path for path, _, _ in secrets_in({"argv": argv})]
    assert found == [f"argv.{place}" for place in places]


@pytest.mark.parametrize("argv", FINE, ids=map(str, FINE))
def test_what_only_leads_to_one_is_none(argv: list[JsonValue]) -> None:
    assert list(secrets_in({"argv": argv})) == []


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        (["mysql", "--password", "hunter22"], "argv.2"),
        (["env", "PGPASSWORD=hunter22", "psql"], "argv.1"),
        (["curl", "-u", "bob:hunter22"], "argv.2"),
    ],
)
def test_told_with_its_place_and_what_to_do_and_not_repeated(
    argv: list[str], place: str, lint: Lint
) -> None:
    step = f"    - {{step: a, action: ssh.run, at: to, argv: {json.dumps(argv)}}}\n"
    (told,) = lint((FENCE, step + FENCE))
    column = step.index(json.dumps(argv[int(place[-1])])) + 1
    assert told == (
        f"orders.yaml:15:{column}: step a: {place} gives a secret in clear\n  hint: {HINT}"
    )
    assert "hunter22" not in told


def test_a_command_of_the_inventory_is_looked_at_too(lint: Lint) -> None:
    (told,) = lint(
        inventory=[
            ("fence: [ssh]}", 'fence: [ssh], start_command: [env, PGPASSWORD=hunter22, "x"]}')
        ]
    )
    assert "system orders_db: start_command.1 gives a secret in clear" in told
    assert "hunter22" not in told
