"""A customer that writes all the time, to wherever the service's name points.

Reads ``PORT PASSWORD NAME DNS_PORT SERVER...`` as JSON from its argument; prints the monotonic
time of each acknowledged write.
"""

from __future__ import annotations

import json
import sys
import time

import dns.message
import dns.query
import dns.rdatatype
import psycopg

PAUSE = 0.002


def main() -> None:
    told = json.loads(sys.argv[1])
    session: psycopg.Connection | None = None
    while True:
        try:
            if session is None:
                session = connect(told)
            session.execute("insert into bench (wrote) values ('customer')")
            print(time.monotonic(), flush=True)
        except psycopg.Error:
            if session is not None:
                session.close()
            session = None
        time.sleep(PAUSE)


def connect(told: dict[str, str]) -> psycopg.Connection:
    return psycopg.connect(
        host=resolve(told),
        port=int(told["port"]),
        user="drtool",
        password=told["password"],
        dbname="orders",
        sslmode="disable",
        connect_timeout=1,
        autocommit=True,
    )


def resolve(told: dict[str, str]) -> str:
    """Where the name points, as the first authoritative server that answers says."""
    query = dns.message.make_query(told["name"], dns.rdatatype.A)
    for server in told["servers"]:
        try:
            answer = dns.query.udp(query, server, port=int(told["dns_port"]), timeout=0.1)
            return str(answer.answer[0][0])
        except (OSError, dns.exception.DNSException, IndexError):
            continue
    raise psycopg.OperationalError("the name does not resolve")


if __name__ == "__main__":
    main()
