#!/usr/bin/env bash
# The same, tuned: signals instead of pg_ctl, one open psql session, polls of 5 ms.
set -euo pipefail
coproc SQL { psql -XAtq "host=$TO port=$PG_PORT user=drtool dbname=orders sslmode=disable"; }
to() { echo "$1" >&"${SQL[1]}"; read -r answer <&"${SQL[0]}"; }
to 'select 1;'

end=$(ssh -S "$FROM_SOCKET" -o BatchMode=yes warm "
    pid=\$(head -1 '$FROM_DATA/postmaster.pid'); kill -INT \$pid
    while [ -e '$FROM_DATA/postmaster.pid' ]; do sleep 0.005; done
    pg_controldata '$FROM_DATA'" | sed -n 's/^Latest checkpoint location: *//p')
until to "select pg_last_wal_replay_lsn() > '$end';"; [ "$answer" = t ]; do sleep 0.005; done
to 'select pg_promote(false);'
until to 'select pg_is_in_recovery();'; [ "$answer" = f ]; do sleep 0.005; done
for server in "$FROM" "$TO"; do
    nsupdate -k "$TSIG" <<END &
server $server $DNS_PORT
zone lab.test
prereq yxrrset $NAME A $FROM
update delete $NAME A
update add $NAME 1 A $TO
send
END
done
to "insert into bench (wrote) values ('tuned') returning 1;"
wait $(jobs -p | tail -2)
