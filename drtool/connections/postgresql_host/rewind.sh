# Take back what this server wrote after the source left its timeline, then follow the source.
# 6 connection to the source, without its password, 7 the source's timeline.
if held; then
	echo "an earlier attempt was cut off in the middle" >&2
	exit 49
fi
same_cluster
write_standby_signal 'drtool: being rewound'

# Tell why it cannot be, and leave that where the next look finds it. 1 exit code, 2 reason.
give_up() {
	write_standby_signal "${note%%:*}: no rewind: $2"
	echo "$2" >&2
	exit "$1"
}

# An unclean end is recovered by a server that is a standby and that nobody can reach.
recover() {
	# a socket's path has at most 107 bytes
	sockets=$(mktemp -d /tmp/drtool.XXXXXX) || exit 46
	trap 'rm -rf "$work" "$keep/lock" "$sockets"' EXIT
	give "$sockets"
	rm -f "$dir/postmaster.pid"
	as_owner postgres -D "$dir" -c listen_addresses= -c "unix_socket_directories=$sockets" \
		-c primary_conninfo= -c restore_command= -c recovery_target_timeline=current \
		-c archive_mode=off -c logging_collector=off >"$work/recovery" 2>&1 </dev/null &
	server=$!
	# one that ended as a standby says so from the start: only a postmaster shows that it has begun
	until postmaster_of && [ -n "$postmaster" ] &&
		control | grep -q '^Database cluster state: *in archive recovery$'; do
		if ! kill -0 "$server" 2>/dev/null; then
			give_up 51 "crash recovery failed: $(tail -n 3 "$work/recovery" | tr '\n' ' ')"
		fi
		nap 0.02
	done
	# $server may be a shell of ours that waits for the postmaster
	kill -INT "$postmaster"
	wait "$server"
}
case $(control | sed -n 's/^Database cluster state: *//p') in
'shut down' | 'shut down in recovery') ;;
*) recover ;;
esac
rm -f "$dir/postmaster.pid"

# Everything that can go wrong before the first change goes wrong here.
if ! as_owner pg_rewind -D "$dir" --source-server="$6" --no-ensure-shutdown --dry-run \
	>"$work/said" 2>&1; then
	give_up 52 "$(tail -n 2 "$work/said" | tr '\n' ' ')"
fi
save_configuration
hold
if ! as_owner pg_rewind -D "$dir" --source-server="$6" --no-ensure-shutdown >"$work/said" 2>&1; then
	give_up 53 "$(tail -n 2 "$work/said" | tr '\n' ' ')"
fi
# Judged by the control file, never by what pg_rewind said; held back until then.
reached=$(control | sed -n "s/^Min recovery ending loc's timeline: *//p")
if [ "$reached" != "$7" ]; then
	give_up 54 "says that it is done, but the control file is on timeline $reached, not on $7"
fi
restore_configuration
configure
release
scan
report
