"""In which region a cloud's control plane really lives, whatever its address looks like.

AWS says so itself: "Global services", in its Fault Isolation Boundaries whitepaper. A recovery that
changes Route 53 records needs us-east-1, wherever the zone's names are answered.
"""

from __future__ import annotations

import re

_IN_ONE_REGION = {
    "iam.amazonaws.com": "us-east-1",
    "sts.amazonaws.com": "us-east-1",
    "s3.amazonaws.com": "us-east-1",
    "route53.amazonaws.com": "us-east-1",
    "route53domains.us-east-1.amazonaws.com": "us-east-1",
    "cloudfront.amazonaws.com": "us-east-1",
    "organizations.amazonaws.com": "us-east-1",
    "shield.amazonaws.com": "us-east-1",
    "globalaccelerator.amazonaws.com": "us-west-2",
    "networkmanager.amazonaws.com": "us-west-2",
}
# the data plane of routing controls: five regions, any of which will do
_ROUTING = re.compile(r"\.route53-recovery-cluster\.[a-z0-9-]+\.amazonaws\.com$")
_REGIONAL = re.compile(r"[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$")


def region_of(host: str) -> str | None:
    """The region that a cloud's endpoint depends on; None where that is not known."""
    name = host.rstrip(".").lower()
    if name in _IN_ONE_REGION:
        return _IN_ONE_REGION[name]
    if _ROUTING.search(name):
        return None
    found = _REGIONAL.search(name)
    return found[1] if found else None
