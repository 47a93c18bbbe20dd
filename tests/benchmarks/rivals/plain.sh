#!/usr/bin/env bash
# A planned switchover as one writes it by hand, over SSH connections that are already open:
# stop fast, wait for the replay, promote, change the name, write and see it written.
set -euo pipefail
from() { ssh -S "$FROM_SOCKET" -o BatchMode=yes warm "$@"; }
to() { psql -XAtq "host=$TO port=$PG_PORT user=drtool dbname=orders sslmode=disable" -c "$1"; }

from "pg_ctl -D '$FROM_DATA' stop -m fast" >/dev/null
end=$(from "pg_controldata '$FROM_DATA'" | sed -n 's/^Latest checkpoint location: *//p')
until [ "$(to "select pg_last_wal_replay_lsn() > '$end'")" = t ]; do sleep 0.1; done
[ "$(to 'select pg_promote(true)')" = t ]
for server in "$FROM" "$TO"; do
    nsupdate -k "$TSIG" <<END
server $server $DNS_PORT
zone lab.test
prereq yxrrset $NAME A $FROM
update delete $NAME A
update add $NAME 1 A $TO
send
END
done
to "insert into bench (wrote) values ('script')"
