# Make sure that the packages of a list are there: as root install them, else say what to run.
# sh requirements/debian.sh [debian.txt] [tests]: the list, and who needs it.

list=${1:-debian.txt}
who=${2:-tests}
wanted=$(sed 's/#.*//' "requirements/$list" | xargs)
[ -n "$wanted" ] || exit 0

if ! command -v dpkg-query >/dev/null; then
    echo "No Debian packages on this system: the $who may need what provides $wanted"
    exit 0
fi

# $wanted is split into words on purpose, here and below.
installed=$(dpkg-query --show --showformat '${db:Status-Status}:${Package}\n' $wanted 2>/dev/null)
missing=
for package in $wanted; do
    echo "$installed" | grep -qx "installed:$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "The $who need Debian packages: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing the Debian packages that the $who need, this once:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -q --no-install-recommends $missing </dev/null
