# Replace the data directory by a copy of the source, then follow the source.
# 6 connection to the source for replication, without its password, 7 slot.
if ! as_owner psql -X -A -t -d "$6 replication=true" -c IDENTIFY_SYSTEM >"$work/said" 2>&1; then
	tail -n 2 "$work/said" >&2
	exit 52
fi
if ! grep -q "^$identifier|" "$work/said"; then
	echo "identifier $(sed 's/|.*//' "$work/said")"
	exit 45
fi
save_configuration
hold
wal=''
[ -L "$dir/pg_wal" ] && wal=$(readlink "$dir/pg_wal")
for link in "$dir"/pg_tblspc/*; do
	[ -L "$link" ] && find "$link/" -mindepth 1 -maxdepth 1 -name 'PG_*' -exec rm -rf {} +
done
[ -n "$wal" ] && find "$wal/" -mindepth 1 -delete
find "$dir/" -mindepth 1 -delete
set -- -D "$dir" -X stream -c fast -S "$7" -d "$6" ${wal:+--waldir="$wal"}
if ! as_owner pg_basebackup "$@" >"$work/said" 2>&1; then
	tail -n 2 "$work/said" >&2
	exit 53
fi
restore_configuration
configure
release
scan
report
