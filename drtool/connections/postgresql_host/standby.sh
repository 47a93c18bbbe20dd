# What the scripts share that make a standby of this data directory. POSIX sh.
# 3 system identifier, 4 directory for what must outlive the data directory, 5 note.
# Standard input: one line, the password for the source, then lines for postgresql.auto.conf.
identifier=$3
keep=$4
note=$5
mkdir -p "$keep" || exit 46
work=$(mktemp -d "$keep/work.XXXXXX") || exit 46
trap 'rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM
IFS= read -r password
cat >"$work/settings" || exit 46
printf '*:*:*:*:%s\n' "$password" >"$work/pgpass" || exit 46
password=''
PGPASSFILE=$work/pgpass
PGCONNECT_TIMEOUT=10
export PGPASSFILE PGCONNECT_TIMEOUT

# PostgreSQL's programs refuse root; they run as the data directory's owner.
user=$(stat -c %U "$dir" 2>/dev/null)
if [ "$(id -u)" = 0 ] && [ -n "$user" ] && [ "$user" != root ]; then
	chown -R "$user" "$work"
	chmod 711 "$keep"
	as_owner() {
		owner_program=$1
		shift
		runuser -u "$user" -- env PGPASSFILE="$PGPASSFILE" PGCONNECT_TIMEOUT=10 LC_ALL=C \
			"${bin:+$bin/}$owner_program" "$@"
	}
else
	as_owner() { tool "$@"; }
fi

# One at a time: what a lost session left behind may still be at work.
if ! mkdir "$keep/lock" 2>/dev/null; then
	holder=''
	{ read -r holder <"$keep/lock/pid"; } 2>/dev/null
	if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
		echo "process $holder is still at work" >&2
		exit 48
	fi
fi
echo $$ >"$keep/lock/pid"
trap 'rm -rf "$work" "$keep/lock"' EXIT

scan
if [ -n "$pids$hidden" ]; then
	echo "server processes are left: $pids$hidden" >&2
	exit 50
fi

# A data directory that its group may write into is refused by every PostgreSQL server, also
# after a crash of the machine: so nothing starts on half of a copy. Its own mode is kept aside.
held() { case $(stat -c %a "$dir") in *[2367]?) return 0 ;; esac; return 1; }
hold() {
	held || stat -c %a "$dir" >"$keep/mode" || exit 46
	chmod 0720 "$dir" || exit 46
	sync "$dir" 2>/dev/null
}
release() {
	mode=700
	{ read -r mode <"$keep/mode"; } 2>/dev/null
	chmod "$mode" "$dir"
}

# Copy a file, link or directory, all of it and onto the disk. 1 what, 2 directory to copy it into.
# What does not exist is left out; a link stays one, and is never written through.
copy_whole() {
	[ -e "$1" ] || [ -L "$1" ] || return 0
	copied=$2/${1##*/}
	if [ -L "$1" ] || [ -L "$copied" ]; then rm -rf "$copied"; fi
	trouble=$({ cp -pPR "$1" "$2/" && find "$copied" -type f -exec sync {} +; } 2>&1)
}
not_written() {
	echo "$1: $(printf '%s\n' "$trouble" | tail -n 1)" >&2
	exit 46
}

# The site's own configuration, which a rewind or a copy replaces by the source's. All of it is
# on the disk before an older copy of it goes, and before anything is done to the data directory.
save_configuration() {
	held && [ -d "$keep/configuration" ] && return
	unsaved="its own configuration cannot be kept in $keep; its data and configuration were left as they are"
	rm -rf "$keep/configuration.new"
	trouble=$(mkdir "$keep/configuration.new" 2>&1) || not_written "$unsaved"
	for file in "$dir"/*.conf "$dir"/*.crt "$dir"/*.key "$dir"/*.pem "$dir"/conf.d; do
		copy_whole "$file" "$keep/configuration.new" || not_written "$unsaved"
	done
	rm -rf "$keep/configuration"
	trouble=$(mv "$keep/configuration.new" "$keep/configuration" 2>&1) || not_written "$unsaved"
	sync "$keep/configuration" "$keep" 2>/dev/null || sync
}
restore_configuration() {
	for file in "$keep/configuration"/*; do
		copy_whole "$file" "$dir" || not_written \
			"its own configuration cannot be put back from $keep/configuration; no server starts here until it is"
	done
}

# Follow the source: settings, then the signal, on disk before anything may start.
configure() {
	auto=$dir/postgresql.auto.conf
	[ -e "$auto" ] || : >"$auto"
	grep -Ev '^[[:space:]]*(primary_conninfo|primary_slot_name|recovery_target[a-z_]*|restore_command)[[:space:]]*=' \
		"$auto" >"$work/auto"
	[ $? -le 1 ] && cat "$work/settings" >>"$work/auto" || exit 46
	cp "$work/auto" "$auto.new" && mv "$auto.new" "$auto" || exit 46
	chmod 600 "$auto"
	rm -f "$dir/recovery.signal" "$dir/postmaster.pid"
	sync "$auto" 2>/dev/null
	write_standby_signal "$note"
	give "$auto"
}

same_cluster() {
	found=$(identifier)
	[ "$found" = "$identifier" ] && return
	echo "identifier ${found:-none}"
	exit 45
}
