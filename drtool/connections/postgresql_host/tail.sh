# List what the server's WAL holds from a position on; changes nothing.
# 3 timeline, 4 position, 5 how many commits to tell at most, beside the last one.
echo "clock $(date +%s.%N)"
history=$dir/pg_wal/$(printf %08X "$3").history
[ -e "$history" ] && sed 's/^/history /' "$history"
wal_from "$3" "$4" 2>&1 | awk -v most="$5" '
	/^rmgr: / {
		records++
		match($0, /lsn: [0-9A-F]+\/[0-9A-F]+/)
		lsn = substr($0, RSTART + 5, RLENGTH - 5)
		# a prepared transaction stands before the time, the record itself belongs to none
		if (match($0, /desc: COMMIT(_PREPARED [0-9]+:)? [0-9-]+ [0-9:.]+/)) {
			text = substr($0, RSTART, RLENGTH)
			sub(/^desc: [A-Z_]+ /, "", text)
			if (match(text, /^[0-9]+: /)) {
				tx = substr(text, 1, RLENGTH - 2)
				text = substr(text, RLENGTH + 1)
			} else {
				match($0, /tx: +[0-9]+/)
				tx = substr($0, RSTART + 3, RLENGTH - 3)
				gsub(/ /, "", tx)
			}
			latest = "commit " lsn " " tx " " text
			if (++commits <= most) print latest
		}
		next
	}
	/^first record is after/ { next }
	{ said = $0 }
	END {
		if (commits > most) print latest
		print "records", records + 0
		print "commits", commits + 0
		print "last", lsn
		print "said", said
	}'
echo "end"
