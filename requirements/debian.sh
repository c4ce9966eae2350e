# Make sure that the packages in debian.txt are there: as root install them, else say what to run.

wanted=$(sed 's/#.*//' requirements/debian.txt | xargs)
[ -n "$wanted" ] || exit 0

if ! command -v dpkg-query >/dev/null; then
    echo "No Debian packages on this system: the tests may need what provides $wanted"
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
    echo "The tests need Debian packages: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing the Debian packages that the tests need, this once:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -q --no-install-recommends $missing </dev/null
