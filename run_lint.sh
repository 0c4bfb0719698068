#!/bin/sh
# Static analysis of every service or of one; see scripts/lint.py.
set -eu
cd "$(dirname "$0")"
. scripts/venv.sh
make_venv .venv requirements-dev.lock
exec .venv/bin/python scripts/lint.py "$@"
