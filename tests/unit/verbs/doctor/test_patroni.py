from __future__ import annotations

from typing import Any

import pytest
from fit_world import NOW, only, scope, seen, unfit

from drtool.errors import BadInput, DrtoolError
from drtool.model.patroni import Cluster, Listed, Node, Settings
from drtool.verbs.doctor import patroni
from drtool.verbs.doctor.scope import Scope
from drtool.verbs.doctor.software import needed_extras

PLACE = "east.orders_cluster"


def clustered() -> Scope:
    def change(document: dict[str, Any]) -> None:
        member = {"host": "east_db", "url": "http://192.0.2.1:8008", "data_directory": "/srv/pg"}
        document["sites"]["east"]["systems"] = {
            "orders_cluster": {
                "kind": "patroni",
                "scope": "orders",
                "system_identifier": "7412",
                "members": {"one": member},
            }
        }

    return scope(change)


def cluster(node: dict[str, Any] | None = None, **changed: Any) -> Cluster:
    told = {"name": "one", "called": "one", "role": "primary", "system_identifier": "7412"}
    listed = Listed(called="one", leads=True)
    made = Node.model_validate({**told, "listed": listed, **(node or {})})
    return Cluster.model_validate(
        {"place": PLACE, "at": NOW, "nodes": (made,), "settings": Settings(), **changed}
    )


def judged(found: Cluster | DrtoolError) -> list[Any]:
    return [*patroni.findings(clustered(), seen(clusters={PLACE: found}))]


def test_a_whole_cluster_is_one_line() -> None:
    found = judged(cluster())
    assert not unfit(found)
    assert found[0].found == "primary cluster of 1, led by one"


@pytest.mark.parametrize(
    ("found", "said", "cure"),
    [
        (cluster({"trouble": "does not answer", "listed": None}), "does not answer",
         "try: curl http://192.0.2.1:8008/patroni"),
        (cluster({"system_identifier": "1"}), "is of the cluster 1", "correct its url"),
        (cluster(dcs_trouble="its DCS cannot be read"), "its DCS cannot be read",
         "patronictl list orders"),
        (cluster({"listed": None}), "nobody leads it", "patronictl list orders"),
        (cluster(settings=Settings(paused=True)), "is paused", "patronictl resume orders"),
        (cluster(strangers=("two",)), "does not name: two", "write them under its members"),
        (BadInput("patroni", "its authority's file is wrong"), "authority's file", "correct it"),
    ],
)  # fmt: skip
def test_what_is_unfit_is_told_once_with_its_cure(
    found: Cluster | DrtoolError, said: str, cure: str
) -> None:
    told = only(judged(found))
    assert said in told.found
    assert cure in told.cure


def test_its_members_are_reached_with_what_postgresql_needs() -> None:
    assert needed_extras(clustered().inventory) == {"postgresql", "dns", "ssh"}
