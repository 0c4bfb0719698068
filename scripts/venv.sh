# shellcheck shell=sh
# Makes virtual environments from the lock files; read by run_server.sh, run_tests.sh and run_lint.sh.

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

# find_python [VERSION]: print a working interpreter, of that version or any from 3.11 on
find_python() {
    wanted=${1:+sys.version_info[:2] == ($(echo "$1" | cut -d. -f1), $(echo "$1" | cut -d. -f2))}
    candidates=${1:+python$(echo "$1" | cut -d. -f1,2)}
    for candidate in ${candidates:-python3 python3.14 python3.13 python3.12 python3.11}; do
        # pyenv's commands work only for the version that it is told
        found=$(
            case "$candidate" in python3.*) export PYENV_VERSION="${candidate#python}" ;; esac
            "$candidate" -c "import sys; ${wanted:-sys.version_info >= (3, 11)} and print(sys.executable)" 2>/dev/null
        ) || continue
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
    echo "No Python ${1:-3.11 or newer} was found." >&2
    return 1
}

# state_of LOCK: print what a folder made from LOCK was made of
state_of() {
    echo "$PWD"
    cksum "$1" pyproject.toml
}

# make_venv FOLDER LOCK [VERSION]: make or renew FOLDER if it is not what LOCK asks for
make_venv() {
    if "$1/bin/python" -c '' 2>/dev/null && [ "$(cat "$1/.made-from-$2" 2>/dev/null)" = "$(state_of "$2")" ]; then
        return
    fi
    quiet=--quiet
    if ! "$1/bin/python" -m pip --version >/dev/null 2>&1; then
        quiet=
        python=$(find_python "${3-}")
        rm -rf "$1"
        if ! "$python" -m venv "$1"; then
            echo "$python cannot make virtual environments: install its venv package (Debian: python3-venv)." >&2
            return 1
        fi
    fi
    echo "Installing what $2 names into $1: about a minute the first time." >&2
    # shellcheck disable=SC2086 # no word at all when not quiet: the first time shows its progress
    "$1/bin/python" -m pip install $quiet --require-hashes -r "$2" >&2
    "$1/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e . >&2
    # the lock for development holds all that the other one does
    for lock in requirements.lock "$2"; do
        state_of "$lock" >"$1/.made-from-$lock"
    done
}
