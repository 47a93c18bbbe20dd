# Run a command so that its start and its end can be seen later, whatever becomes of the session.
# 1 directory of this run and step, 2 "run/step attempt", 3 attempt, 4 seconds, then the command.
umask 077
where=$1 mark=$2 attempt=$3 seconds=$4
shift 4
mkdir -p "$where" || exit 254
# a repeated try has the number of the one before, whose end must not be taken for its own
rm -f "$where/exit.$attempt" || exit 254
printf '%s %s\n' "$mark" $$ >"$where/start.$attempt" || exit 254
sync "$where/start.$attempt" 2>/dev/null
if command -v timeout >/dev/null 2>&1; then
	set -- timeout -k 5 "$seconds" "$@"
fi
# it goes on without this shell when that is ended: its own number stands below this shell's
set -- sh -c 'echo $$ >>"$0" || exit 254; exec "$@"' "$where/start.$attempt" "$@"
begun=$(date +%s)
exec 3<&0
"$@" <&3 >"$where/out.$attempt" 2>"$where/err.$attempt" &
group=$!
wait "$group"
code=$?
# timeout leads a group of its own: what the command started and left to it ends at the deadline too
case $code in 124 | 137) kill -KILL "-$group" 2>/dev/null ;; esac
printf '%s %s %s\n' "$mark" "$code" $(($(date +%s) - begun)) >"$where/exit.$attempt.new"
mv "$where/exit.$attempt.new" "$where/exit.$attempt"
sync "$where/exit.$attempt" 2>/dev/null
printf 'ended %s\n' "$code"
tail -c 65536 "$where/out.$attempt"
tail -c 65536 "$where/err.$attempt" >&2
