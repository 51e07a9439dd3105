#!/usr/bin/env bash
# Runs a command on this machine as if it were bare: what .ci/packages lists, Node.js, every browser and the libraries
# of a desktop are gone from /usr, for the command and its children and for nobody else.
#   tools/bare_machine.sh COMMAND…     (needs root: it lays a file system of its own over /usr)
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
programs="redis-server redis-cli redis-check-rdb valkey-server node nodejs npm npx corepack yarn pnpm
    chromium chromium-browser google-chrome firefox docker podman"
libraries="libGL libGLX libEGL libOpenGL libX11 libX11-xcb libxcb libgtk-3 libglib-2.0"

if [ "${LOTCAST_BARE:-}" != namespace ]; then
    LOTCAST_BARE=namespace exec unshare --mount --propagation private "$0" "$@"
fi
unset LOTCAST_BARE

layer=$(mktemp -d)
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$layer/upper,workdir=$layer/work" /usr

while read -r package; do
    dpkg-query -L "$package" 2>/dev/null || true
done <"$here/.ci/packages" | sort -u | while read -r file; do
    if [ -f "$file" ] || [ -L "$file" ]; then
        case $file in
        /usr/share/doc/*) ;;
        /usr/* | /bin/* | /sbin/* | /lib/*) rm -f "$file" ;;
        esac
    fi
done
for program in $programs; do
    type -aP "$program" || true
done | sort -u | xargs -r rm -f
for library in $libraries; do
    rm -f /usr/lib/*/"$library".so*
done
for program in $programs; do
    ! command -v "$program" >/dev/null || { echo "bare_machine: $program can still be reached" >&2; exit 1; }
done
exec "$@"
