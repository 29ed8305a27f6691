# Sourced by the other scripts: `use_venv LOCK` makes the virtual environment hold exactly that lock.
# Sets $root (the checkout) and $venv. TAPEHUB_VENV names another place, TAPEHUB_PYTHON another interpreter.
# Expects $here, the folder of the script that sources it.
root=$(dirname -- "$here")
venv=${TAPEHUB_VENV:-$root/.venv}

# Succeeds if $1 is Python 3.11 or newer that can make virtual environments.
_fits() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 &&
        "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

_find_python() {
    if [ -n "${TAPEHUB_PYTHON:-}" ]; then
        set -- "$TAPEHUB_PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11 python3.14 python
    fi
    for python in "$@"; do
        if _fits "$python"; then
            return
        fi
    done
    {
        echo 'tapehub needs Python 3.11 or newer with its venv module; none of these is one:'
        for python in "$@"; do
            if command -v "$python" >/dev/null 2>&1; then
                version=$("$python" -V 2>&1) || version='does not start'
                "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || version="$version, without venv or ensurepip"
                echo "  $(command -v "$python"): $version"
            fi
        done
        echo 'Next step: install one (Debian and Ubuntu: apt install python3-venv; Fedora: dnf install python3;'
        echo "macOS: brew install python), or name it: TAPEHUB_PYTHON=/path/to/python3 $0"
    } >&2
    exit 1
}

use_venv() {
    python=$venv/bin/python
    if [ -n "${TAPEHUB_PYTHON:-}" ] ||
        ! "$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        _find_python
    fi
    "$python" "$root/scripts/prepare_venv.py" "$venv" "$root/$1"
}
