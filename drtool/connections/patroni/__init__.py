"""Patroni through the REST APIs of a cluster's members: what it says, and what it is told."""

from __future__ import annotations

from drtool.connections.patroni.hands import PatroniHands
from drtool.connections.patroni.reader import PatroniReader, leader_of

__all__ = ["PatroniHands", "PatroniReader", "leader_of"]
