# shellcheck shell=sh
# Makes virtual environments from the lock files; read by run_server.sh, run_tests.sh and run_lint.sh.

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

# find_python [VERSION]: print a working interpreter, of that version or any from 3.11 on
find_python() {
    if [ -n "${1-}" ]; then
        candidates="python$1"
        wanted="sys.version_info[:2] == tuple(map(int, '$1'.split('.')[:2]))"
    else
        candidates="python3 python3.14 python3.13 python3.12 python3.11"
        wanted="sys.version_info >= (3, 11)"
    fi
    for candidate in $candidates; do
        found=$("$candidate" -c "import sys; $wanted and print(sys.executable)" 2>/dev/null) || continue
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
    echo "No Python ${1:-3.11 or newer} found (tried: $candidates)." >&2
    return 1
}

# make_venv FOLDER LOCK [VERSION]: make or renew FOLDER if it is not what LOCK asks for
make_venv() {
    stamp="$1/.made-from-$2"
    state=$(printf '%s\n' "$PWD" && cksum "$2" pyproject.toml)
    if "$1/bin/python" -c '' 2>/dev/null && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
        return
    fi
    if ! "$1/bin/python" -m pip --version >/dev/null 2>&1; then
        python=$(find_python "${3-}")
        rm -rf "$1"
        if ! "$python" -m venv "$1"; then
            echo "$python cannot make virtual environments: install its venv package (Debian: python3-venv)." >&2
            return 1
        fi
    fi
    echo "Installing what $2 names into $1: about a minute." >&2
    "$1/bin/python" -m pip install --require-hashes -r "$2" >&2
    "$1/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e . >&2
    printf '%s\n' "$state" >"$stamp"
}
