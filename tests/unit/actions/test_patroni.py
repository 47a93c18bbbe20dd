"""What Patroni's actions see, change and refuse, over fakes that obey, lag or lie."""

from __future__ import annotations

from typing import Any

import pytest
from driven import drive
from patroni_values import (
    NOW,
    WEST,
    cluster,
    inventory,
    node,
    server,
    standby_cluster,
    word,
)
from pydantic import ValidationError

from drtool.action import Entry, Facts, Hands, Look, StateAction
from drtool.actions.patroni.demote import Demote
from drtool.actions.patroni.demotion import ClusterDemotion
from drtool.actions.patroni.fence import Fence
from drtool.actions.patroni.fencing import ClusterFence, MemberSeen
from drtool.actions.patroni.healthy import CheckHealthy
from drtool.actions.patroni.pause import Pause, Resume
from drtool.actions.patroni.promote import ClusterPromotion, Promote
from drtool.actions.patroni.reprotect import Reprotect, _kept_off
from drtool.actions.patroni.reprotection import ClusterReprotected
from drtool.actions.patroni.role import CheckRole
from drtool.actions.patroni.sides import following_of, standby_section
from drtool.actions.patroni.switchover import Switchover
from drtool.actions.postgresql.fence_paths import FenceSeen, PathSeen
from drtool.connections.patroni import PatroniHands, PatroniReader
from drtool.connections.reach import Reader
from drtool.connections.redfish import PowerHands, PowerReader, PowerState
from drtool.engine.cover import not_shown
from drtool.errors import Refused, StepFailed
from drtool.model.inventory import Inventory, Power
from drtool.model.patroni import Cluster, Following, Listed, Settings, Word
from drtool.model.place import Direction, Place
from drtool.model.proof import Proof, ProofKind
from drtool.model.purpose import Mode, Procedure
from drtool.model.replication import DataLoss, Receiver
from drtool.model.value import Fields
from drtool.testing import FakeConnections, check_action
from drtool.units import Duration

INVENTORY = inventory()
FOLLOWS = Settings(following=WEST)


def facts(site: str = "east", **changed: Any) -> Facts:
    given: dict[str, Any] = {
        "run": "r", "step": "s", "mode": Mode.LIVE, "procedure": Procedure.SWITCHOVER,
        "service": "orders", "inventory": INVENTORY, "started": NOW,
        "direction": Direction(from_site="east", to_site="west"),
        "at": Place(site=site, system="orders_db"), **changed,
    }  # fmt: skip
    return Facts(**given)


class FakePatroni(PatroniHands):
    """A cluster that obeys, or says so and does nothing."""

    def __init__(self, seen: Cluster, *, lies: bool = False) -> None:
        self.seen, self.lies = seen, lies
        self.told: list[dict[str, Any]] = []

    def cluster(self) -> Cluster:
        return self.seen

    def configure(self, changed: Any) -> None:
        self.told.append(dict(changed))
        if self.lies or self.seen.settings is None or "pause" not in changed:
            return
        paused = bool(changed["pause"])
        nodes = tuple(one.model_copy(update={"paused": paused}) for one in self.seen.nodes)
        settings = self.seen.settings.model_copy(update={"paused": paused})
        self.seen = self.seen.model_copy(update={"nodes": nodes, "settings": settings})

    def switch(self, leader: str, candidate: str) -> None:
        self.told.append({"leader": leader, "candidate": candidate})
        if not self.lies:
            nodes = [one.name for one in self.seen.nodes]
            self.seen = cluster(
                *(node(name, "primary" if name == candidate else "replica") for name in nodes)
            )


def connections(patroni: FakePatroni) -> FakeConnections:
    made: dict[tuple[type[Reader], str], Reader] = {
        (kind, "east.orders_db"): patroni for kind in (PatroniReader, PatroniHands)
    }
    return FakeConnections(INVENTORY, made)


EXAMPLES: list[tuple[type[Entry], Fields, str]] = [
    (Pause, {}, "east"),
    (Resume, {}, "east"),
    (Switchover, {"candidate": "pg2"}, "east"),
    (Switchover, {"leave": "pg1", "max_lag_bytes": 0}, "east"),
    (Demote, {"max_age": "2m"}, "east"),
    (Fence, {"paths": ["patroni", "ssh"], "drain": "5s"}, "east"),
    (Promote, {"max_data_loss": "5s"}, "west"),
    (Reprotect, {}, "east"),
    (CheckRole, {"role": "standby"}, "west"),
    (CheckHealthy, {"members": 1, "max_lag_bytes": 0}, "west"),
]


@pytest.mark.parametrize(("action", "example", "site"), EXAMPLES)
def test_each_keeps_the_contract(action: type[Entry], example: Fields, site: str) -> None:
    check_action(action, example, facts(site))


def test_a_pause_is_done_when_every_member_knows_it() -> None:
    fake = FakePatroni(cluster())
    assert drive(Pause(), connections(fake), facts()).paused
    assert fake.told == [{"pause": True}]
    half = cluster(node("pg1", "primary", paused=True), node("pg2"), settings=Settings(paused=True))
    assert Pause().changes(half)
    assert Pause().reason_to_wait(half) == "pg2 of east.orders_db did not notice yet"
    assert Pause().reason_to_wait(cluster()) is None
    assert not drive(Resume(), connections(fake), facts()).paused


@pytest.mark.parametrize("action", [Pause(), Switchover(candidate="pg2"), Switchover(leave="pg1")])
def test_a_patroni_that_says_yes_and_does_nothing_is_not_believed(action: Any) -> None:
    fake = FakePatroni(cluster(), lies=True)
    with pytest.raises(StepFailed, match="not done within"):
        drive(action, connections(fake), facts(), 0.2)
    assert fake.told


def test_without_its_dcs_nothing_is_told() -> None:
    lost = FakePatroni(cluster(settings=None, dcs_trouble="its DCS is gone"))
    told: list[StateAction[Any]] = [Pause(), Resume(), Switchover(candidate="pg2")]
    for action in told:
        with pytest.raises(Refused, match="its DCS is gone"):
            drive(action, connections(lost), facts())
    assert lost.told == []


def test_the_fittest_member_is_chosen_and_what_was_shown_is_done() -> None:
    fake = FakePatroni(cluster())
    seen = drive(Switchover(leave="pg1"), connections(fake), facts())
    assert seen.led_by == "pg2"
    assert fake.told == [{"leader": "pg1", "candidate": "pg2"}]
    again = Switchover(leave="pg1").observe(Look(connections(fake), facts()))
    assert Switchover(leave="pg1").changes(again) == []


def test_nobody_else_can_lead() -> None:
    lagging = node("pg2", listed=Listed(called="pg2", lag_bytes=1 << 30))
    for action in (Switchover(candidate="pg2"), Switchover(leave="pg1")):
        with pytest.raises(Refused, match="pg2 is 1073741824 bytes behind"):
            drive(
                action, connections(FakePatroni(cluster(node("pg1", "primary"), lagging))), facts()
            )
    with pytest.raises(Refused, match="there is no other member"):
        drive(
            Switchover(leave="pg1"),
            connections(FakePatroni(cluster(node("pg1", "primary")))),
            facts(),
        )


def test_a_switchover_under_way_is_waited_for() -> None:
    action = Switchover(candidate="pg2")

    def waits(seen: Cluster) -> str | None:
        return action.reason_to_wait(action.observe(Look(connections(FakePatroni(seen)), facts())))

    nobody = cluster(node("pg1", "demoted", listed=Listed(called="pg1")), node("pg2"))
    assert "has no leader now" in str(waits(nobody))
    chosen = node("pg2", listed=Listed(called="pg2", leads=True))
    assert "has the leader key and does not lead yet" in str(waits(cluster(node("pg1"), chosen)))
    assert waits(cluster()) is None


@pytest.mark.parametrize("fields", [{}, {"candidate": "pg1", "leave": "pg2"}])
def test_a_switchover_wants_one_aim(fields: Fields) -> None:
    with pytest.raises(ValidationError, match="wants candidate, or leave"):
        Switchover.model_validate(fields)


@pytest.mark.parametrize(
    ("role", "seen", "reason"),
    [
        ("primary", cluster(), None),
        ("standby", standby_cluster(), None),
        ("standby", cluster(), "expected a standby cluster"),
        ("primary", cluster(settings=None, dcs_trouble="gone"), "gone"),
        ("primary", cluster(node("pg1", "standby_leader")), "is not a primary yet"),
        ("primary", cluster(node("pg1", "primary", system_identifier="9")), "another cluster"),
        (
            "standby",
            cluster(node("pg3", "standby_leader", replication=""), settings=FOLLOWS),
            "but does not stream",
        ),
    ],
)
def test_what_a_cluster_is(role: str, seen: Cluster, reason: str | None) -> None:
    found = CheckRole.model_validate({"role": role}).judge(seen, facts())
    assert found is None if reason is None else reason in str(found)


def test_how_many_members_must_be_in_order() -> None:
    half = cluster(node("pg1", "primary"), node("pg2", trouble="does not answer"))
    assert CheckHealthy().judge(cluster(), facts()) is None
    assert "1 of 2 members in order: pg2: does not answer" in str(
        CheckHealthy().judge(half, facts())
    )
    assert CheckHealthy(members=1).judge(half, facts()) is None


def test_a_standby_follows_all_members_at_one_port_or_else_the_leader() -> None:
    east = Place(site="east", system="orders_db")
    found = following_of(facts(), east)
    assert (found.host, found.port) == ("192.0.2.1,192.0.2.2", "5432")
    plain = INVENTORY.model_dump(mode="json")
    plain["sites"]["east"]["systems"]["orders_db"]["members"]["pg2"]["port"] = 5433
    plain["sites"]["east"]["systems"]["orders_db"]["slot"] = "west"
    several = facts(inventory=Inventory.model_validate(plain))
    assert following_of(several, east).host == "192.0.2.1"
    led = following_of(several, east, node("pg2", "primary"))
    assert standby_section(led) == {
        "host": "192.0.2.2", "port": "5433", "primary_slot_name": "west",
    }  # fmt: skip


def demotion(**changed: Any) -> ClusterDemotion:
    """A demotion that may begin: a primary cluster, and its standby that streams."""
    given: dict[str, Any] = {
        "place": "east.orders_db", "standby_place": "west.orders_db", "at": NOW,
        "cluster": cluster(), "words": (word("pg1", standby=False), word("pg2")),
        "other": standby_cluster(), "standby": server("west.orders_db.pg3"),
        "wanted": WEST, "identity": "7412", "able_to_write": "it is a primary cluster",
        "end": 900, "received": 900, **changed,
    }  # fmt: skip
    return ClusterDemotion(**given)


def test_a_demotion_may_begin_when_the_other_side_can_take_everything() -> None:
    assert Demote().changes(demotion())
    assert Demote().reason_to_wait(demotion()) is None
    assert Demote().reason_not_to_apply(demotion(), facts()) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cluster": cluster(settings=Settings(paused=True))}, "is paused"),
        ({"cluster": cluster(strangers=("pg9",))}, "pg9"),
        (
            {
                "words": (
                    word("pg1", standby=False),
                    Word(place="east.orders_db.pg2", trouble="gone"),
                )
            },
            "not every member of east.orders_db answers (east.orders_db.pg2: gone)",
        ),
        ({"identity": "99"}, "another cluster"),
        ({"other": None, "trouble": "west is gone"}, "cannot be asked: west is gone"),
        ({"standby": server("west.orders_db.pg3", standby=False)}, "is a primary already"),
        ({"standby": server("west.orders_db.pg3", receiver=None)}, "does not stream"),
        ({"standby": server("west.orders_db.pg3", timeline=2)}, "follows another timeline"),
        ({"other": standby_cluster(settings=None, dcs_trouble="no DCS")}, "no DCS"),
        ({"wanted": WEST.model_copy(update={"slot": "east"})}, "no permanent slot east"),
    ],
)
def test_what_speaks_against_a_demotion(changed: dict[str, Any], words: str) -> None:
    assert words in str(Demote().reason_not_to_apply(demotion(**changed), facts()))


def test_a_demotion_is_over_when_nothing_can_be_lost() -> None:
    told = {"cluster": cluster(settings=FOLLOWS)}
    under_way = demotion(**told)
    assert "is told to follow 192.0.2.3:5432" in str(Demote().reason_to_wait(under_way))
    short = demotion(**told, able_to_write="", received=800)
    assert Demote().changes(short)
    assert "promote nothing" in str(Demote().reason_to_wait(short))
    assert Demote().changes(demotion(**told, able_to_write="", end=None))
    silent = demotion(**told, able_to_write="", standby=None, received=None, trouble="west is gone")
    assert "west is gone" in str(Demote().reason_to_wait(silent))
    done = demotion(**told, able_to_write="", words=(word("pg1"), word("pg2")))
    assert Demote().changes(done) == []
    proofs = Demote().proofs(done, facts())
    assert [(proof.subject, proof.final_position) for proof in proofs] == [
        ("east.orders_db.pg1", 899), ("east.orders_db.pg2", 899),
    ]  # fmt: skip
    promoted = demotion(
        **told, able_to_write="", end=None,
        standby=server("west.orders_db.pg3", standby=False), received=None,
    )  # fmt: skip
    assert Demote().changes(promoted) == []


def promotion(**changed: Any) -> ClusterPromotion:
    """A promotion that may begin, but for the proofs."""
    at = changed.pop("replication", server("west.orders_db.pg3"))
    given: dict[str, Any] = {
        "place": at.place, "from_place": "east.orders_db", "role": at.role, "timeline": 1,
        "system_identifier": at.system_identifier, "position": at.position, "replication": at,
        "loss": DataLoss(place=at.place, seconds=0.0, source="received"), "limit": Duration(10),
        "fenced": True, "at": NOW, "cluster": standby_cluster(), **changed,
    }  # fmt: skip
    return ClusterPromotion(**given)


def proven(*members: str) -> Facts:
    proofs = tuple(
        Proof(
            kind=ProofKind.PROCESSES, subject=f"east.orders_db.{name}", identity="7412",
            evidence="stopped", at=NOW, max_age=Duration(60),
        )
        for name in members
    )  # fmt: skip
    return facts("west", proofs=proofs)


def test_a_cluster_is_promoted_only_behind_a_whole_fence() -> None:
    assert [change.subject for change in Promote().changes(promotion())] == [
        "patroni west.orders_db standby_cluster", "postgresql west.orders_db.pg3",
    ]  # fmt: skip
    assert Promote().reason_not_to_apply(promotion(), proven("pg1", "pg2")) is None
    reason = Promote().reason_not_to_apply(promotion(), proven("pg1"))
    assert "no fence of east.orders_db.pg2 holds now" in str(reason)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cluster": standby_cluster(settings=Settings(following=WEST, paused=True))}, "is paused"),
        ({"cluster": standby_cluster(settings=None, dcs_trouble="no DCS")}, "no DCS"),
        ({"cluster": standby_cluster(strangers=("pg9",))}, "pg9"),
        (
            {"loss": DataLoss(place="west.orders_db.pg3", seconds=11.0, source="heartbeat")},
            "would lose 11.0 s",
        ),
        ({"replication": server("west.orders_db.pg3", system_identifier="9")}, "another cluster"),
    ],
)
def test_what_speaks_against_a_promotion(changed: dict[str, Any], words: str) -> None:
    reason = Promote().reason_not_to_apply(promotion(**changed), proven("pg1", "pg2"))
    assert words in str(reason)


def test_a_section_that_somebody_removed_is_adopted_and_waited_for() -> None:
    removed = cluster(node("pg3", "standby_leader"), place="west.orders_db")
    seen = promotion(cluster=removed)
    assert [change.subject for change in Promote().changes(seen)] == [
        "postgresql west.orders_db.pg3"
    ]
    assert "its leader is still in recovery" in str(Promote().reason_to_wait(seen))
    primary = server("west.orders_db.pg3", standby=False)
    leads = cluster(node("pg3", "primary"), place="west.orders_db")
    assert Promote().changes(promotion(cluster=leads, replication=primary)) == []


def test_a_primary_that_patroni_would_demote_again_is_not_done() -> None:
    primary = server("west.orders_db.pg3", standby=False)
    seen = promotion(replication=primary)
    (change,) = Promote().changes(seen)
    assert change.subject == "patroni west.orders_db standby_cluster"
    assert Promote().reason_not_to_apply(seen, proven("pg1", "pg2")) is None


def test_standbys_that_patroni_names_are_left_to_it() -> None:
    waiting = server("west.orders_db.pg3", standby=False, synchronous_standby_names="pg4")
    leads = cluster(node("pg3", "primary"), place="west.orders_db")
    assert Promote().changes(promotion(cluster=leads, replication=waiting, commits_hang=True)) == []


def host(name: str, *paths: PathSeen, **changed: Any) -> FenceSeen:
    given: dict[str, Any] = {
        "place": f"east.orders_db.{name}", "at": NOW, "how": "stopped over SSH", "paths": paths,
        **changed,
    }  # fmt: skip
    return FenceSeen(**given)


DEAD = PathSeen(path="ssh", reachable=False, trouble="does not answer")
STOPPED = PathSeen(
    path="ssh", reachable=True, fenced=True, durable=True, identity="7412", evidence="no server",
    final_position=800,
)  # fmt: skip
MANAGED = PathSeen(
    path="ssh", reachable=True, running=True, alive=True, refusal="in charge", manager="patroni"
)


def fencing(*members: MemberSeen, **changed: Any) -> ClusterFence:
    given: dict[str, Any] = {
        "place": "east.orders_db", "at": NOW, "cluster": cluster(), "members": members,
        "identity": "7412", "wanted": WEST, **changed,
    }  # fmt: skip
    return ClusterFence(**given)


def member(name: str, seen: FenceSeen, *, standby: bool = False, able: str = "x") -> MemberSeen:
    return MemberSeen(
        place=f"east.orders_db.{name}", word=word(name, standby=standby),
        able_to_write=able, host=seen,
    )  # fmt: skip


def test_a_fence_is_over_when_each_member_is_shown_unable_to_write() -> None:
    by_patroni = member("pg1", host("pg1", MANAGED), standby=True, able="")
    by_host = member("pg2", host("pg2", STOPPED))
    left = member("pg2", host("pg2", DEAD))
    told = cluster(settings=FOLLOWS)
    half = fencing(by_patroni, left, cluster=told)
    assert [str(change) for change in Fence().changes(half)] == [
        "postgresql east.orders_db.pg2: able to write -> stopped over SSH"
    ]
    assert Fence().proofs(half, facts()) == []
    done = fencing(by_patroni, by_host, cluster=told)
    assert Fence().changes(done) == []
    proofs = Fence().proofs(done, facts())
    assert [(proof.subject, proof.durable) for proof in proofs] == [
        ("east.orders_db.pg1", True), ("east.orders_db.pg2", True),
    ]  # fmt: skip
    assert {proof.final_position for proof in proofs} == {None}


def test_what_was_only_stopped_may_come_back_as_a_primary() -> None:
    stopped = fencing(member("pg1", host("pg1", STOPPED)), member("pg2", host("pg2", STOPPED)))
    assert {proof.durable for proof in Fence().proofs(stopped, facts())} == {False}
    guarded = facts(inventory=inventory(boot_guard=True))
    assert {proof.durable for proof in Fence().proofs(stopped, guarded)} == {True}
    alone = fencing(member("pg1", host("pg1", STOPPED)))
    assert [proof.final_position for proof in Fence().proofs(alone, facts())] == [800]


def test_a_cluster_that_went_dark_keeps_its_proofs() -> None:
    stopped = fencing(member("pg1", host("pg1", STOPPED)), member("pg2", host("pg2", STOPPED)))
    proofs = Fence().proofs(stopped, facts())
    silent = MemberSeen(
        place="east.orders_db.pg1",
        word=Word(place="east.orders_db.pg1", trouble="does not answer"),
        able_to_write="does not answer",
        host=host("pg1", DEAD),
    )
    dark = cluster(settings=None)
    assert Fence().changes(fencing(silent, cluster=dark))
    assert Fence().unseen(fencing(silent, cluster=dark), proofs)
    assert not Fence().unseen(fencing(silent, cluster=cluster()), proofs), "Patroni says primary"
    assert not Fence().unseen(fencing(member("pg1", host("pg1", DEAD)), cluster=dark), proofs)


def test_patroni_in_charge_is_no_refusal_but_strangers_are() -> None:
    managed = fencing(member("pg1", host("pg1", MANAGED)), member("pg2", host("pg2", MANAGED)))
    assert Fence().reason_not_to_apply(managed, facts()) is None
    assert [change.subject for change in Fence().changes(managed)] == [
        "patroni east.orders_db", "postgresql east.orders_db.pg1", "postgresql east.orders_db.pg2",
    ]  # fmt: skip
    other = PathSeen(path="ssh", reachable=True, refusal="this is another cluster")
    stranger = fencing(member("pg1", host("pg1", other)))
    assert Fence().reason_not_to_apply(stranger, facts()) == "this is another cluster"
    unknown = fencing(member("pg1", host("pg1", MANAGED)), cluster=cluster(strangers=("pg9",)))
    assert "pg9" in str(Fence().reason_not_to_apply(unknown, facts()))
    foreign = fencing(member("pg1", host("pg1", MANAGED)), identity="99")
    assert "another cluster" in str(Fence().reason_not_to_apply(foreign, facts()))


def test_a_human_word_stands_where_nothing_was_seen_alive() -> None:
    stated = host("pg1", DEAD, stated_by="ann", stated_because="unplugged", stated_at=NOW)
    seen = fencing(member("pg1", stated))
    assert Fence().changes(seen) == []
    assert [proof.kind for proof in Fence().proofs(seen, facts())] == [ProofKind.STATEMENT]
    alive = stated.model_copy(update={"answering": True})
    assert Fence().changes(fencing(member("pg1", alive)))


def test_a_lost_or_paused_cluster_is_told_to_follow_too() -> None:
    one = member("pg1", host("pg1", DEAD))
    paused = fencing(one, cluster=cluster(settings=Settings(following=WEST, paused=True)))
    assert Fence().changes(paused)[0].before == "paused"
    silent = fencing(one, cluster=Cluster(place="east.orders_db", at=NOW, nodes=()))
    assert [change.subject for change in Fence().changes(silent)] == [
        "postgresql east.orders_db.pg1"
    ]
    nowhere = fencing(one, wanted=None)
    assert [change.subject for change in Fence().changes(nowhere)] == [
        "postgresql east.orders_db.pg1"
    ]


def reprotection(**changed: Any) -> ClusterReprotected:
    """A cluster that follows the new primary."""
    given: dict[str, Any] = {
        "place": "east.orders_db", "source_place": "west.orders_db", "at": NOW,
        "cluster": cluster(node("pg1", "standby_leader"), settings=FOLLOWS),
        "source": cluster(node("pg3", "primary"), place="west.orders_db"),
        "server": server(
            "east.orders_db.pg1", receiver=Receiver(status="streaming", timeline=2)
        ),
        "source_server": server("west.orders_db.pg3", standby=False, timeline=2),
        "wanted": WEST, **changed,
    }  # fmt: skip
    return ClusterReprotected(**given)


def test_a_cluster_is_protected_when_its_leader_streams_from_the_primary() -> None:
    assert Reprotect().changes(reprotection()) == []
    old = server("east.orders_db.pg1", receiver=Receiver(status="streaming", timeline=1))
    for under_way in (reprotection(server=old), reprotection(server=None)):
        assert Reprotect().changes(under_way)
        assert "does not stream yet" in str(Reprotect().reason_to_wait(under_way))
    elsewhere = reprotection(wanted=WEST.model_copy(update={"host": "192.0.2.4"}))
    assert Reprotect().changes(elsewhere)
    assert Reprotect().reason_to_wait(elsewhere) is None
    assert Reprotect().reason_not_to_apply(elsewhere, facts()) is None
    silent = reprotection(cluster=Cluster(place="east.orders_db", at=NOW, nodes=()), server=None)
    assert Reprotect().changes(silent)[0].before == "Patroni does not answer"
    assert Reprotect().reason_to_wait(silent) is None


class FakePower(PowerHands):
    """A controller that keeps its machine off until it is told otherwise."""

    def __init__(self) -> None:
        self.policy = "AlwaysOff"

    def state(self) -> PowerState:
        return PowerState(system="1", power="On", restore_policy=self.policy)

    def set_restore_policy(self, policy: str) -> None:
        self.policy = policy


def test_machines_that_a_fence_kept_off_come_back_again_once_the_cluster_follows() -> None:
    known = inventory(fence=["patroni", "power"])
    power = Power.model_validate(
        {"redfish": "https://192.0.2.1", "system": "1", "password": {"secret": "env:BMC"}}
    )
    hosts = {name: one.model_copy(update={"power": power}) for name, one in known.hosts.items()}
    known = known.model_copy(update={"hosts": hosts})
    controllers = {"pg1": FakePower(), "pg2": FakePower()}
    made: dict[tuple[type[Reader], str], Reader] = {
        (kind, host): one for host, one in controllers.items() for kind in (PowerReader, PowerHands)
    }
    controllers["pg2"].policy = "LastState"
    hands = Hands(FakeConnections(known, made), facts(inventory=known))
    assert _kept_off(hands) == (("pg1",), "")
    left = Reprotect().changes(reprotection(kept_off=("pg1",)))
    assert [str(change) for change in left] == [
        "patroni east.orders_db restore policy of host pg1: AlwaysOff -> LastState"
    ]
    shown = Reprotect().changes(reprotection(server=None))
    assert not_shown(left, shown, "s") == (), "whoever consented to the cluster consented to it"
    assert Reprotect().reason_to_wait(reprotection(kept_off=("pg1",))) is None
    Reprotect().apply(hands, left)
    assert _kept_off(hands) == ((), "")
    assert sum("LastState" in line for line in Reprotect().by_hand(hands.facts)) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"source_server": server("west.orders_db.pg3")}, "there is no primary to follow"),
        ({"cluster": cluster(), "server": None}, "split brain suspected: pg1 of east.orders_db"),
        (
            {"cluster": cluster(node("pg1", system_identifier="9")), "server": None},
            "this is another cluster",
        ),
        (
            {"wanted": WEST.model_copy(update={"slot": "east"}), "server": None},
            "no permanent slot east",
        ),
    ],
)
def test_what_speaks_against_following(changed: dict[str, Any], words: str) -> None:
    seen = reprotection(**changed)
    assert words in str(Reprotect().reason_not_to_apply(seen, facts()))
    assert Reprotect().reason_to_wait(seen) is None


def test_how_following_reads() -> None:
    assert str(Following(restore_command="cp")) == "an archive"
