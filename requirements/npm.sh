# Install what package-lock.json names into node_modules. sh requirements/npm.sh [guide]: who needs it.

who=${1:-guide}

if ! command -v npm >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing npm, which the $who needs, this once"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm </dev/null
fi
if ! command -v npm >/dev/null; then
    echo "The $who needs npm: install Node.js (Debian, Ubuntu: sudo apt-get install npm; macOS: brew install node)" >&2
    exit 1
fi

echo "Installing what the $who carries into node_modules, this once ..."
# --loglevel=error: settings of whoever runs this are not our concern.
npm ci --loglevel=error && touch node_modules/.package-lock.json
