# Keep the WAL that only this server has. 3 timeline, 4 position, 5 first segment's name,
# 6 directory to keep it in, 7 what to say of it.
mkdir -p "$6" || exit 46
if [ ! -e "$6/summary" ]; then
	for segment in "$dir"/pg_wal/[0-9A-F]*; do
		name=${segment##*/}
		case $name in *[!0-9A-F]* | '') continue ;; esac
		[ ${#name} = 24 ] || continue
		# names sort as text: this timeline's from the first segment on
		case $name in "$(printf %08X "$3")"*) ;; *) continue ;; esac
		if [ "$(printf '%s\n%s\n' "$name" "$5" | sort | head -n 1)" = "$5" ]; then
			cp -p "$segment" "$6/" || exit 46
		fi
	done
	cp -p "$dir"/pg_wal/*.history "$6/" 2>/dev/null
	wal_from "$3" "$4" 2>/dev/null >"$6/records.txt"
	grep 'desc: COMMIT' "$6/records.txt" >"$6/commits.txt"
	sync
	printf '%s\n' "$7" >"$6/summary"
	sync "$6/summary" 2>/dev/null
fi
echo "kept $6"
