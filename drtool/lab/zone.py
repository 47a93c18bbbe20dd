"""The zone that the lab's name servers keep: questions, guarded updates, a file on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import dns.exception
import dns.name
import dns.node
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.transaction
import dns.update
import dns.versioned
import dns.zone

from drtool.errors import BadInput

Found = tuple[dns.rcode.Rcode, dns.rrset.RRset | None]
_APEX = {dns.rdatatype.SOA, dns.rdatatype.NS}


class Zone:
    """One zone in memory; every change is on disk before it is answered for."""

    def __init__(self, records: dns.versioned.Zone, file: Path) -> None:
        self.records, self.file = records, file
        self.origin: dns.name.Name = records.origin or dns.name.root

    @classmethod
    def read(cls, name: str, file: Path) -> Zone:
        """The zone from its file; raises BadInput when it cannot be read."""
        try:
            records = dns.zone.from_file(
                str(file), name, zone_factory=dns.versioned.Zone, relativize=False
            )
        except (OSError, dns.exception.DNSException) as error:
            raise BadInput(f"zone file {file}", str(error) or type(error).__name__) from error
        return cls(cast("dns.versioned.Zone", records), file)

    @property
    def soa(self) -> dns.rrset.RRset:
        """The zone's SOA record."""
        rcode, found = self.find(self.origin, dns.rdatatype.SOA)
        if found is None:
            raise BadInput(f"zone {self.origin}", f"has no SOA record ({rcode.name})")
        return found

    @property
    def serial(self) -> int:
        """The serial number, which grows with each change."""
        return int(self.soa[0].serial)

    def find(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Found:
        """The records of a name and type, or the code that says why there are none."""
        if not name.is_subdomain(self.origin):
            return dns.rcode.REFUSED, None
        with self.records.reader() as reader:
            rdataset = reader.get(name, rdtype)
            if rdataset is not None:
                return dns.rcode.NOERROR, dns.rrset.from_rdata_list(name, rdataset.ttl, rdataset)
            below = any(other.is_subdomain(name) for other in reader.iterate_names())
        return (dns.rcode.NOERROR if below else dns.rcode.NXDOMAIN), None

    def all_records(self) -> list[dns.rrset.RRset]:
        """Everything, between two copies of the SOA record, as a transfer wants it (RFC 5936)."""
        with self.records.reader() as reader:
            inner = [
                dns.rrset.from_rdata_list(name, rdataset.ttl, rdataset)
                for name, rdataset in reader.iterate_rdatasets()
                if rdataset.rdtype != dns.rdatatype.SOA
            ]
        return [self.soa, *inner, self.soa]

    def update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        """Apply an update whole or not at all (RFC 2136, section 3)."""
        if message.zone[0].name != self.origin:
            return dns.rcode.NOTAUTH
        if any(
            not rrset.name.is_subdomain(self.origin)
            for rrset in (*message.prerequisite, *message.update)
        ):
            return dns.rcode.NOTZONE
        with self.records.writer() as writer:
            refusal = _unmet(message.prerequisite, writer)
            if refusal is not None:
                writer.rollback()
                return refusal
            for rrset in message.update:
                _apply(rrset, writer, self.origin)
            if writer.changed():
                writer.update_serial(name=self.origin)
                self._save(writer)
        return dns.rcode.NOERROR

    def save(self) -> None:
        """Write the zone file."""
        with self.records.reader() as reader:
            self._save(reader)

    def _save(self, content: dns.transaction.Transaction) -> None:
        lines = [
            rdataset.to_text(name, relativize=False) + "\n"
            for name, rdataset in content.iterate_rdatasets()
        ]
        lines.sort(key=lambda line: " SOA " not in line)
        draft = self.file.with_name(self.file.name + ".new")
        draft.write_text("".join(lines), encoding="ascii")
        os.replace(draft, self.file)  # noqa: PTH105 - the rename that is atomic


def _unmet(
    prerequisites: list[dns.rrset.RRset], content: dns.transaction.Transaction
) -> dns.rcode.Rcode | None:
    """The code of the first prerequisite that does not hold (RFC 2136, section 3.2)."""
    wanted: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], set[object]] = {}
    for rrset in prerequisites:
        whole_name = rrset.rdtype == dns.rdatatype.ANY
        there = (
            content.name_exists(rrset.name)
            if whole_name
            else content.get(rrset.name, rrset.rdtype) is not None
        )
        if rrset.deleting == dns.rdataclass.ANY and not there:
            return dns.rcode.NXDOMAIN if whole_name else dns.rcode.NXRRSET
        if rrset.deleting == dns.rdataclass.NONE and there:
            return dns.rcode.YXDOMAIN if whole_name else dns.rcode.YXRRSET
        if rrset.deleting is None:
            wanted.setdefault((rrset.name, rrset.rdtype), set()).update(rrset)
    for (name, rdtype), values in wanted.items():
        if set(content.get(name, rdtype) or ()) != values:
            return dns.rcode.NXRRSET
    return None


def _apply(
    rrset: dns.rrset.RRset, writer: dns.transaction.Transaction, origin: dns.name.Name
) -> None:
    """One record of the update section (RFC 2136, section 3.4.2); SOA and NS of the apex stay."""
    apex = rrset.name == origin
    if rrset.deleting is None:
        if rrset.rdtype == dns.rdatatype.SOA:
            return
        old = writer.get(rrset.name, rrset.rdtype) or ()
        values = [*(value for value in old if value not in rrset), *rrset]
        writer.replace(rrset.name, dns.rdataset.from_rdata_list(rrset.ttl, values))
    elif rrset.rdtype == dns.rdatatype.ANY:
        node = writer.get_node(rrset.name)
        for rdataset in list(node.rdatasets) if node is not None else []:
            if not (apex and rdataset.rdtype in _APEX):
                writer.delete(rrset.name, rdataset.rdtype)
    elif apex and rrset.rdtype in _APEX:
        return
    elif rrset.deleting == dns.rdataclass.ANY:
        writer.delete(rrset.name, rrset.rdtype)
    else:
        writer.delete(rrset.name, dns.rdataset.from_rdata_list(0, list(rrset)))
