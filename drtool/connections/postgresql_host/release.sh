# Let a server that was demoted be the primary again that it was; it is not started.
# 3 system identifier, 4 how the note of the demotion begins, 5 looks to wait for a fast stop,
# 6 the file that lets the boot guard start a primary, or "".
found=$(identifier)
if [ "$found" != "$3" ]; then
	echo "identifier ${found:-none}"
	exit 45
fi
if [ -e "$dir/standby.signal" ]; then
	note=''
	{ read -r note <"$dir/standby.signal"; } 2>/dev/null
	case $note in
	"$4"*) ;;
	*)
		echo "standby.signal is not of this run: ${note:-it is empty}" >&2
		exit 56
		;;
	esac
	# a supervisor may have started it again as a standby
	scan
	postmaster_of
	if [ -n "$postmaster" ]; then
		kill -INT "$postmaster" || exit 47
		wait_gone "$5" $pids
		scan
	fi
	if [ -n "$pids$hidden" ]; then
		echo "server processes are left: $pids$hidden" >&2
		exit 50
	fi
	case $(control | sed -n 's/^Database cluster state: *//p') in
	'shut down' | 'shut down in recovery') ;;
	*)
		echo 'it was not shut down cleanly' >&2
		exit 51
		;;
	esac
	if [ -n "$6" ]; then
		: >"$6" || exit 46
		give "$6"
		sync "$6" 2>/dev/null
	fi
	rm -f "$dir/standby.signal" || exit 46
	sync "$dir" 2>/dev/null || sync
fi
scan
report
