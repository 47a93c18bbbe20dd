# What all scripts on a PostgreSQL host share. POSIX sh; /proc as Linux has it.
# Arguments of every script: 1 data directory, 2 directory of PostgreSQL's programs or "".
LC_ALL=C TZ=UTC
export LC_ALL TZ
umask 077
dir=$1
bin=$2

tool() {
	tool_name=$1
	shift
	"${bin:+$bin/}$tool_name" "$@"
}

# pids: the server processes of this data directory, known by their working directory: a backend
# whose postmaster was killed keeps it. hidden: servers that we may not look into and that may be
# this one's. A zombie has no directory any more and can do nothing.
scan() {
	pids='' hidden='' manager='' pythons='' foreign='' ours='' owner=''
	# one process reads all names: a shell that does takes ten times as long
	named=$(grep -lxE 'postgres|postmaster|patroni|repmgrd|pg_autoctl|stolon-keeper|python.*' \
		/proc/[0-9]*/comm 2>/dev/null)
	[ $? -ge 126 ] && exit 55
	for p in $named; do
		p=${p%/comm}
		{ read -r name <"$p/comm"; } 2>/dev/null || continue
		case $name in
		postgres | postmaster) ;;
		patroni)
			other_patroni "$p" || manager=$name
			continue
			;;
		repmgrd | pg_autoctl | stolon-keeper)
			manager=$name
			continue
			;;
		python*)
			pythons="$pythons $p/cmdline"
			continue
			;;
		*) continue ;;
		esac
		if [ "$p/cwd" -ef "$dir" ]; then
			pids="$pids ${p#/proc/}"
		elif ! [ -e "$p/cwd" ] && state_of "${p#/proc/}"; then
			case $state in Z | X) ;; *) elsewhere "${p#/proc/}" "$parent" || hidden="$hidden ${p#/proc/}" ;; esac
		fi
	done
	[ -z "$pythons" ] && return
	# an argument that begins so: somebody's test_patroni.py is no Patroni
	for p in $(grep -lazE '(^|/)(bin/patroni|patroni\.py|patroni/__main__)|^patroni$' $pythons 2>/dev/null); do
		other_patroni "${p%/cmdline}" || manager=patroni
	done
}

# Whether a Patroni is shown to look after other data directories only: its configuration names
# where they are. What cannot be read there shows nothing.
other_patroni() {
	configured=''
	state_of "${1#/proc/}" || return 0
	case $state in Z | X) return 0 ;; esac
	[ -r "$1/environ" ] || return 1
	grep -qa PATRONI_POSTGRESQL_DATA_DIR= "$1/environ" && return 1
	for word in $(tr '\0' '\n' <"$1/cmdline" | grep '\.ya\{0,1\}ml$'); do
		case $word in /*) ;; *) word=$1/cwd/$word ;; esac
		for given in $(sed -n 's/^ *data_dir: *//p' "$word" 2>/dev/null | tr -d "\"'"); do
			case $given in /*) ;; *) return 1 ;; esac
			[ "$given" -ef "$dir" ] && return 1
			configured=yes
		done
	done
	[ -n "$configured" ]
}

# Whether a server that we may not look into is another one: it belongs to somebody else than the
# data directory does, or the -D of its postmaster leads elsewhere. foreign and ours remember
# postmasters that were judged.
elsewhere() {
	uid=''
	while read -r key uid rest; do [ "$key" = Uid: ] && break; done 2>/dev/null <"/proc/$1/status"
	[ -n "$owner" ] || owner=$(stat -c %u "$dir")
	[ "${uid:-none}" != "$owner" ] && return 0
	head=$1
	{ read -r head_name <"/proc/$2/comm"; } 2>/dev/null && [ "$head_name" = "$name" ] && head=$2
	case "$foreign " in *" $head "*) return 0 ;; esac
	case "$ours " in *" $head "*) return 1 ;; esac
	given=$(tr '\0' '\n' <"/proc/$head/cmdline" | sed -n '/^-D$/{n;p;q;};s/^-D\(.\)/\1/p' | head -n 1)
	case $given in
	/*)
		if ! [ "$given" -ef "$dir" ]; then
			foreign="$foreign $head"
			return 0
		fi
		;;
	esac
	ours="$ours $head"
	return 1
}

# state and parent of a process; fails when it is gone.
state_of() {
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	state=${stat%% *}
	parent=${stat#* }
	parent=${parent%% *}
}

alive() { [ "/proc/$1/cwd" -ef "$dir" ]; }

nap() { sleep "$1" 2>/dev/null || sleep 1; }

# Wait until none of the processes $2... is left, for at most $1 looks of 5 ms each.
wait_gone() {
	looks=$1
	shift
	while :; do
		left=''
		for pid in "$@"; do alive "$pid" && left="$left $pid"; done
		[ -z "$left" ] && return 0
		[ "$looks" -le 0 ] && return 1
		looks=$((looks - 1))
		nap 0.005
	done
}

control() { tool pg_controldata -D "$dir" 2>&1; }

# The records of timeline $1 from position $2 on. Both ends are named: pg_waldump takes the size of a
# segment from the first file that it meets otherwise, and one that was made in advance has none.
wal_from() {
	bytes=$(control | sed -n 's/^Bytes per WAL segment: *//p')
	bytes=${bytes:-16777216}
	number=$(((0x${2%/*} << 32 | 0x${2#*/}) / bytes))
	per_id=$((0x100000000 / bytes))
	first=$(printf '%08X%08X%08X' "$1" $((number / per_id)) $((number % per_id)))
	for segment in "$dir/pg_wal/$(printf %08X "$1")"????????????????; do last=${segment##*/}; done
	tool pg_waldump -p "$dir/pg_wal" -t "$1" -s "$2" "$first" "$last"
}

identifier() { control | sed -n 's/^Database system identifier: *//p'; }

# The postmaster, if it is one of the processes of this data directory.
postmaster_of() {
	postmaster=''
	{ read -r postmaster <"$dir/postmaster.pid"; } 2>/dev/null
	case $postmaster in '' | *[!0-9]*) postmaster='' ;; *) alive "$postmaster" || postmaster='' ;; esac
}

# What root writes for the server belongs to the server's own user.
give() { [ "$(id -u)" != 0 ] || chown --reference="$dir" "$@" 2>/dev/null; }

# Whatever starts the server from now on comes up as a standby; on disk before we go on. The note
# finds no room on a full disk; the file does, and is all that PostgreSQL looks for.
write_standby_signal() {
	printf '%s\n' "$1" >"$dir/standby.signal" || [ -e "$dir/standby.signal" ] || exit 46
	give "$dir/standby.signal"
	sync "$dir/standby.signal" "$dir" 2>/dev/null || sync
}

report() {
	[ -d "$dir" ] && echo "directory $(cd "$dir" && pwd -P)"
	echo "mode $(stat -c %a "$dir" 2>/dev/null)"
	for pid in $pids; do
		if state_of "$pid" && alive "$pid"; then echo "process $pid $parent $state"; fi
	done
	for pid in $hidden; do echo "hidden $pid"; done
	[ -n "$manager" ] && echo "manager $manager"
	postmaster_of
	[ -n "$postmaster" ] && echo "postmaster $postmaster"
	if [ -e "$dir/standby.signal" ]; then
		note=''
		{ read -r note <"$dir/standby.signal"; } 2>/dev/null
		echo "standby_signal $note"
	fi
	[ -e "$dir/backup_label" ] && echo backup_label
	control | sed 's/^/control /'
	echo "end"
}
