#!/bin/sh
set -eu
cd "$(dirname "$0")/.."
set -- --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@"
uv pip compile "$@" pyproject.toml -o requirements.lock
uv pip compile "$@" pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
# a server that tests talk to, with pins of its own
echo bugsink | uv pip compile "$@" - -o requirements-bugsink.lock
