# Refuse a command of a holder whose right to act on a service has passed to another.
# 1 directory, 2 how many arbiters, for each its name and the token, then the command itself.
# The highest token that was seen of each arbiter is a file's name. It is noted before it is
# compared, so that of two holders at the same moment the lower one is refused. What cannot be
# noted (a full disk) stops nobody: a fence must not need a disk. On the usual way no program is
# started: a shell lists names in their order by itself, and a command that is a script for sh is
# read by the shell that is here already.
guard=$1 count=$2
shift 2
while [ "$count" -gt 0 ]; do
	of=$guard/$1 token=$2
	shift 2
	count=$((count - 1))
	# in a shell of its own: the command must not inherit our mask
	[ -e "$of/$token" ] || (umask 077 && mkdir -p "$of" && : >"$of/$token") 2>/dev/null
	highest= lower=
	for name in "$of"/*; do
		lower="$lower $highest"
		highest=${name##*/}
	done
	if [ ! -e "$of/$token" ]; then
		lower=
		[ "$highest" = '*' ] && highest=
		highest=$(printf '%s\n%s\n' "$highest" "$token" | LC_ALL=C sort | tail -n 1)
	fi
	if [ "$highest" != "$token" ]; then
		rm -f "$of/$token"
		echo "drtool-token-refused $of $highest" >&2
		exit 253
	fi
	for name in $lower; do rm -f "$of/$name"; done
done
[ "$1 $2" = 'sh -c' ] || exec "$@"
script=$3
shift 3
[ "$#" -eq 0 ] || shift # the name that the script would have had
unset guard count of token highest lower name
eval "$script"
