#!/bin/sh
# Runs the tests against real servers: named in the environment, found on this machine, or started for the run.
set -eu
cd "$(dirname "$0")"
. scripts/venv.sh

usage() {
    cat <<'EOF'
./run_tests.sh [--install] [--all-faults] [WORD…]    all tests; further words go to pytest
./run_tests.sh watch                                 find or start the servers and keep them until Ctrl-C
./run_tests.sh tests [WORD…]                         run tests against the servers that `watch` keeps

--install      get RabbitMQ, nginx, Chromium, PostgreSQL and Redis from the system's packages first
--all-faults   also the long list of faults
PYTHON_VERSION=3.13 ./run_tests.sh    uses that interpreter, in .venv-3.13
THEATRE_TEST_DATABASE_URL, THEATRE_TEST_REDIS_URL, THEATRE_TEST_BROKER_URL name servers to be used
EOF
}

mode=all
install=no
marks='not all_faults'
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) usage && exit ;;
    --install) install=yes ;;
    --all-faults) marks='' ;;
    watch | tests) mode=$1 ;;
    *) break ;;
    esac
    shift
done

if [ "$install" = yes ]; then
    sh scripts/install_components.sh
fi
venv=.venv${PYTHON_VERSION:+-$PYTHON_VERSION}
make_venv "$venv" requirements-dev.lock "${PYTHON_VERSION-}"
case "$mode" in
watch) exec "$venv/bin/python" -m tests.services ;;
tests)
    if [ ! -f .test-services ]; then
        echo "No servers are kept: start ./run_tests.sh watch in another terminal." >&2
        exit 2
    fi
    set -a
    # shellcheck source=/dev/null
    . ./.test-services
    ;;
esac
# one more than there are processors: many tests wait for a clock
exec "$venv/bin/python" -m pytest -n $(($(getconf _NPROCESSORS_ONLN) + 1)) --dist loadgroup -m "$marks" "$@"
