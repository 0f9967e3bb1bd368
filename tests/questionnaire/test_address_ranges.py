"""Ranges of addresses in `network_policy` are accepted just where the API server accepts them without a warning."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from questionnaire.interview import Interview

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster

FOUR = """
10.0.0.0/8 10.128.0.0/9 192.0.2.1/32 0.0.0.0/0 10.0.0.1/8 10.64.0.0/9 1.0.0.0/0 10.0.0.0/08 010.0.0.0/8 10.0.0/8 /8
"""
SIX = """
::/0 ::/128 ::1/128 2001:db8::/32 2001:db8:8000::/33 2001:db8:0:1::/64 2001:db8:0:0:1::/80 2001:db8::1/128
64:ff9b::/96 1:2:3:4:5:6:7:0/112 1:2:3:4:5:6:7:8/127 1:0:3:0:5:0:7:0/127 1::4:5:0:0:8/128 1:2:3:4:5:6::/95 0:1::/32
fe80::/10
1::/0 2001:db8:f000::/34 2001:db8:0::/48 2001:0db8::/32 0::/16 1:2:3:4:5:6:7::/112 1:0:0:4:5:6:7:8/128 A::/16
fe81::/10
1::2:3:4:5:6:7/128 1:0:0:4:5::8/128 2001:db8:0:0:1::1/128 ::ffff:0:0/96 ::ffff:1.2.3.4/128 :::/0 1:::/16 ::1::/32
"""
EXCEPTIONS = """
10.0.0.0/8-10.1.0.0/16 2001:db8::/32-2001:db8:1::/48 ::/0-1::/16 0.0.0.0/0-10.0.0.0/8
10.0.0.0/8-11.0.0.0/16 10.0.0.0/8-10.0.0.0/8 10.0.0.0/8-2001:db8::/32 2001:db8::/32-2001:db9:1::/48
10.0.0.0/8-10.1.0.1/16
"""


@pytest.mark.slow
def test_ranges_are_judged_as_by_the_server(bare_template: Path, tmp_path: Path, cluster: Cluster) -> None:
    """Canonical ranges of both families, and exceptions within them, good and bad."""
    blocks = []
    for text in (FOUR + SIX + EXCEPTIONS).split():
        cidr, *exceptions = text.split("-")
        blocks.append({"cidr": cidr, **({"except": exceptions} if exceptions else {})})
    policies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"n{number}", "namespace": "default"},
            "spec": {"podSelector": {}, "egress": [{"to": [{"ipBlock": block}]}]},
        }
        for number, block in enumerate(blocks)
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": policies}
    done = cluster.kubectl("create", "--dry-run=server", "--filename=-", input=json.dumps(listed))
    refused = {int(number) for number in re.findall(r'"n(\d+)" is invalid', done.stderr)}
    warned = set(re.findall(r'Warning: .* CIDR value "(\S+)" should', done.stderr))
    refused |= {number for number, block in enumerate(blocks) if block["cidr"] in warned}
    interview = Interview(bare_template, tmp_path / "shop", {"autoscaling": False})
    ours = {
        number
        for number, block in enumerate(blocks)
        if interview.finding("network_policy", {"egress": [{"to": [{"ipBlock": block}]}]})
    }
    assert 0 < len(refused) < len(blocks)
    assert [blocks[number] for number in sorted(ours ^ refused)] == []
