# Tell what is seen of the server; changes nothing. 3: "wal" to tell when WAL was last written.
if [ "$3" = wal ]; then
	newest=$(ls -t "$dir/pg_wal" 2>/dev/null | sed -n '/^[0-9A-F]\{24\}$/{p;q;}')
	[ -n "$newest" ] && echo "written $newest $(stat -c %y "$dir/pg_wal/$newest")"
fi
scan
report
