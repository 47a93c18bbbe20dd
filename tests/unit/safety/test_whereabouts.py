"""Where a name, an address or a file stands, by what the inventory says."""

from __future__ import annotations

import pytest

from drtool.model.inventory import Inventory
from drtool.model.stability import Lost
from drtool.safety.whereabouts import Whereabouts

INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"orders": {"preferred": "east"}},
        "sites": {
            "east": {
                "address": "192.0.2.10",
                "region": "eu-east",
                "holds": ["192.0.2.0/24", "*.east.test", "shared.test", "/mnt/nfs"],
                "machines": ["ops-1"],
            },
            "west": {"address": "198.51.100.10", "region": "eu-west", "holds": ["shared.test"]},
        },
        "outside": ["bmc-1.east.test", "*.cloud.test", "s3:backups"],
    }
)


@pytest.mark.parametrize(
    ("text", "told", "lost"),
    [
        ("192.0.2.77", "at east", Lost.YES),
        ("https://www.east.test:8080/path", "at east", Lost.YES),
        ("WWW.EAST.TEST", "at east", Lost.YES),
        ("bmc-1.east.test", "at no site", Lost.NO),
        ("shared.test", "at east and west", Lost.NO),
        ("198.51.100.10", "at west", Lost.NO),
        ("api.cloud.test", "at no site", Lost.NO),
        ("east.test", "nobody has said where", Lost.UNKNOWN),
        ("iam.amazonaws.com", "its control plane is in us-east-1, which is no site's", Lost.NO),
        ("[2001:db8::1]:80", "nobody has said where", Lost.UNKNOWN),
    ],
)
def test_the_most_exact_word_counts(text: str, told: str, lost: Lost) -> None:
    found = Whereabouts(INVENTORY).of_address(text)
    assert (str(found), found.lost_with("east")) == (told, lost)


def test_files_machines_and_words() -> None:
    where = Whereabouts(INVENTORY)
    assert str(where.of_path("/mnt/nfs/secrets/tsig")) == "at east"
    assert not where.of_path("/mnt/nfs2").known
    assert str(where.of_machine("ops-1.corp.test")) == "at east"
    assert not where.of_machine("ops-9").known
    assert str(where.of_word("s3:backups")) == "at no site"
