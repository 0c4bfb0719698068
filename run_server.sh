#!/bin/sh
# Runs the whole cinema from this checkout; see README.md.
set -eu
cd "$(dirname "$0")"
. scripts/venv.sh

usage() {
    cat <<'EOF'
./run_server.sh [--reset] [OPTION…]           everything in one process, until Ctrl-C (options: theatre up --help)
./run_server.sh dev [OPTION…]                 the same, with reload when the code changes
./run_server.sh docker [billing|faker|dev]    the same product with Docker Compose
EOF
}

compose() {
    case "${1-}" in
    "") set -- compose.yaml ;;
    billing | faker) set -- "compose.$1.yaml" ;;
    dev) set -- compose.yaml compose.dev.yaml ;;
    *) usage >&2 && exit 2 ;;
    esac
    options=""
    for file in "$@"; do
        if [ ! -f "$file" ]; then
            echo "$file is not part of this version yet: use ./run_server.sh without docker." >&2
            exit 2
        fi
        options="$options --file $file"
        last=$file
    done
    sh scripts/secrets.sh
    watch=$([ "$last" != compose.dev.yaml ] || echo --watch)
    # shellcheck disable=SC2086 # several words on purpose
    exec docker compose $options up --build $watch
}

case "${1-}" in
-h | --help) usage && exit ;;
docker) shift && compose "$@" ;;
dev) shift && set -- --reload "$@" ;;
esac
make_venv .venv requirements.lock
exec .venv/bin/python -m theatre up "$@"
