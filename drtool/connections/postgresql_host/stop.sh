# End the server and keep it from ever coming up as a primary again.
# 3 system identifier, 4 note for standby.signal, 5 looks to wait for the fast stop,
# 6 "hard" to kill what is left.
found=$(identifier)
if [ "$found" != "$3" ]; then
	echo "identifier ${found:-none}"
	exit 45
fi
scan
had_signal=''
[ -e "$dir/standby.signal" ] && had_signal=yes
write_standby_signal "$4"
postmaster_of
first=$pids
if [ -n "$postmaster" ] && state_of "$postmaster"; then
	case $state in
	T | t) ;;
	*)
		if kill -INT "$postmaster"; then
			wait_gone "$5" $first
		elif [ -z "$6" ] && [ -z "$had_signal" ]; then
			rm -f "$dir/standby.signal"
			exit 47
		fi
		;;
	esac
fi
scan
if [ "$6" = hard ] && [ -n "$pids" ]; then
	postmaster_of
	if [ -n "$postmaster" ]; then kill -QUIT "$postmaster" 2>/dev/null && wait_gone 40 $pids; fi
	for round in 1 2 3; do
		scan
		[ -z "$pids" ] && break
		# one that a supervisor has started again since is a standby: let it be
		control | grep -q '^Database cluster state: *in archive recovery$' && break
		kill -KILL $pids 2>/dev/null
		wait_gone 200 $pids
	done
	scan
fi
report
