#!/bin/sh
# Installs the servers and the browser that tests use, from the system's packages, and Bugsink into an environment of
# its own. What cannot be had is named; its tests are then skipped.
set -eu
cd "$(dirname "$0")/.."
. scripts/venv.sh

if [ "$(cat .venv-bugsink/.made-from 2>/dev/null)" != "$(cksum requirements-bugsink.lock)" ]; then
    echo "Installing Bugsink into .venv-bugsink" >&2
    if python=$(find_python) && "$python" -m venv --clear .venv-bugsink &&
        .venv-bugsink/bin/python -m pip install --quiet --require-hashes -r requirements-bugsink.lock >&2; then
        cksum requirements-bugsink.lock >.venv-bugsink/.made-from
    else
        echo "Could not be installed: Bugsink" >&2
    fi
fi

missing=""
want() { # PROGRAM PACKAGE
    [ -n "$(command -v "$1" || ls "/usr/lib/postgresql/"*"/bin/$1" 2>/dev/null)" ] || missing="$missing $2"
}
want rabbitmq-server rabbitmq-server
want nginx nginx
want chromium chromium
want fc-list fontconfig
want postgres postgresql
want redis-server redis-server
want wget wget
[ -d /usr/share/fonts/truetype/dejavu ] || missing="$missing fonts-dejavu-core"
[ -n "$missing" ] || exit 0

root=""
if [ "$(id -u)" -ne 0 ]; then
    root="sudo -n"
fi
if ! command -v apt-get >/dev/null || ! $root true 2>/dev/null; then
    echo "Not installed, for want of apt-get or of the rights to use it:$missing" >&2
    exit 0
fi
apt() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"
}
echo "Installing$missing" >&2
apt update || true
for package in $missing; do
    apt install -y --no-install-recommends "$package" >&2 || echo "Could not be installed: $package" >&2
done
