# Start the server where no start_command is given. 3 log, 4 seconds.
mkdir -p "${3%/*}"
user=$(stat -c %U "$dir")
set -- pg_ctl -D "$dir" -l "$3" -t "$4" -w start
if [ "$(id -u)" = 0 ] && [ "$user" != root ]; then
	program=$1
	shift
	runuser -u "$user" -- "${bin:+$bin/}$program" "$@" >/dev/null 2>&1 </dev/null
else
	tool "$@" >/dev/null 2>&1 </dev/null
fi
