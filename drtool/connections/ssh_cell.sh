# One text on this host, exchanged so that of two writers one loses.
# 1 read or exchange, 2 directory, 3 name, then for exchange: 4 serial of what is replaced, 5 text
# Each text is a file NAME.SERIAL; a hard link makes the next one, and only one can make it.
umask 077
LC_ALL=C
export LC_ALL
dir=$2 name=$3

newest() {
	newest=0
	for file in "$dir/$name".*; do
		serial=${file##*.}
		case $serial in '' | *[!0-9]*) continue ;; esac
		if [ "$serial" -gt "$newest" ]; then newest=$serial; fi
	done
}

if [ "$1" = read ]; then
	for again in 1 2 3 4 5 6 7 8 9; do
		newest
		text=
		[ "$newest" -eq 0 ] && break
		# one that is gone by now was followed by a newer one
		text=$(cat "$dir/$name.$newest" 2>/dev/null) && break
		[ -e "$dir/$name.$newest" ] && {
			echo "$dir/$name.$newest cannot be read" >&2
			exit 73
		}
		[ "$again" = 9 ] && exit 75
	done
	printf '%s %s\n%s\n' "$(date +%s)" "$newest" "$text"
	exit 0
fi

next=$(($4 + 1))
made=$dir/.$name.$next.$$
mkdir -p "$dir" && printf '%s\n' "$5" >"$made" || exit 73
sync "$made" 2>/dev/null
newest
if [ "$newest" -ne "$4" ]; then
	rm -f "$made"
	exit 11
fi
ln "$made" "$dir/$name.$next"
linked=$?
rm -f "$made"
if [ "$linked" -ne 0 ]; then
	[ -e "$dir/$name.$next" ] && exit 11
	exit 73
fi
newest
if [ "$newest" -ne "$next" ]; then
	# we were so slow that others had gone on and tidied up behind them
	rm -f "$dir/$name.$next"
	exit 11
fi
sync "$dir" 2>/dev/null
for file in "$dir/$name".*; do
	serial=${file##*.}
	case $serial in '' | *[!0-9]*) continue ;; esac
	if [ "$serial" -lt "$next" ]; then rm -f "$file"; fi
done
exit 0
