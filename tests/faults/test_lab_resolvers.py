"""F53 and L08 in whole runs: customers come through a resolver that keeps the old address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from caching_resolver import CachingResolver, caching_resolver
from fault_record import Fault
from lab_runs import ADDRESS, EAST, WEST, Document, Operator, PracticeLab, limits

from drtool.lab.layout import ENDPOINT
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
LAG_SECONDS = 3.0


def through(resolver: CachingResolver) -> Callable[[Document], None]:
    """The lab's inventory, with the resolver that customers ask."""

    def change(document: Document) -> None:
        where = {"address": resolver.address, "port": resolver.port}
        document["dns"]["resolvers"] = {"provider": where}

    return change


def test_f53_what_a_resolver_keeps_is_counted_in_the_recovery_time(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    upstream = lab.layout.identity().dns[WEST]
    with caching_resolver(upstream, lag=LAG_SECONDS) as resolver:
        resolver.prime(ENDPOINT)
        assert resolver.values(ENDPOINT) == [ADDRESS[EAST]]
        lab.cut_power(EAST)
        ran = operator.fail_over(inventory=lab.inventory(through(resolver)))
        assert resolver.values(ENDPOINT) == [ADDRESS[WEST]]
        assert resolver.from_cache > 2
    assert ran.code == 0, ran.said
    waited = ran.step("orders_accepted").seconds
    fault.injected(f"the zone had moved; the resolver kept the old address {LAG_SECONDS:g} s more")
    parts = {part.name: part.seconds for part in ran.report.parts}
    assert waited >= LAG_SECONDS - 0.5
    assert (parts["convergence"] or 0) >= LAG_SECONDS - 0.5
    assert (ran.report.recovery_seconds or 0) >= LAG_SECONDS
    fault.got(f"convergence {parts['convergence']:.1f} s of {ran.report.recovery_seconds:.1f} s")


def test_l08_a_resolver_that_keeps_the_old_address_for_ever(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    upstream = lab.layout.identity().dns[WEST]
    with caching_resolver(upstream, lie=ADDRESS[EAST]) as resolver:
        lab.cut_power(EAST)
        ran = operator.fail_over(
            inventory=lab.inventory(through(resolver)),
            runbook=lab.runbook(limits(orders_accepted="4s", dns_agrees="4s")),
        )
        assert resolver.values(ENDPOINT) == [ADDRESS[EAST]]
        assert lab.site(WEST).dns.endpoint_address == ADDRESS[WEST]
        fault.injected("the zone says west, the customers' resolver says east")
    assert ran.code not in {0, 6}, ran.said
    assert ran.report.outcome is not Outcome.SUCCEEDED
    assert ran.report.recovery_seconds is None
    assert "met" not in {line.judgement for line in ran.report.objectives}
    assert "provider" in ran.report.reason
    fault.got(ran.report.reason)
