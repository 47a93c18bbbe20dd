#!/bin/sh
# Install drtool from this bundle, without a network: sh install.sh [DIRECTORY]
set -eu
wanted='@PYTHON@'
extras='@EXTRAS@'
here=$(cd "$(dirname "$0")" && pwd)
place=${1:-$here/venv}
python=${PYTHON:-python3}

fail() {
    printf 'install.sh: %s\n  hint: %s\n' "$1" "$2" >&2
    exit 2
}

command -v "$python" >/dev/null || fail "there is no $python" "PYTHON=/path/to/python sh $0"
found=$("$python" -c '
import sys, sysconfig
print(f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}")')
[ "$found" = "$wanted" ] || fail "$python is $found, and the wheels are for $wanted" \
    "PYTHON=/path/to/python sh $0, or make the bundle with such a Python"
sums='sha256sum'
command -v sha256sum >/dev/null || sums='shasum -a 256'
(cd "$here" && $sums -c MANIFEST >/dev/null) ||
    fail "a file is not as MANIFEST says" "copy the bundle again"
[ ! -e "$place" ] || fail "$place is there already" "sh $0 ANOTHER_DIRECTORY"

"$python" -m venv "$place" ||
    fail "no virtual environment can be made" "install the venv of $python (Debian: python3-venv)"
# No settings of this machine's pip: they may name places that a network is needed for.
PIP_CONFIG_FILE=/dev/null "$place/bin/python" -m pip --isolated install --quiet \
    --disable-pip-version-check --no-cache-dir --no-index --find-links "$here/wheels" \
    --only-binary :all: --require-hashes --requirement "$here/requirements.txt" ||
    { rm -r "$place"; fail "the wheels could not be installed" "pip says why, above"; }

"$place/bin/drtool" --version
cat <<NEXT
Now type:
    . $place/bin/activate
    cd $here
    drtool lint runbooks        # says what is missing here
    cat README.md               # what is secret and must be brought separately
NEXT
case ",$extras," in
*,lab,*) echo "    drtool lab drill            # a failover between two sites on this machine" ;;
esac
