#!/bin/sh
# Installs what some of pyproject.toml's extras ask for: packages.sh FOLDER EXTRA…; versions are those of constraints.txt.
set -eu
here=$(dirname "$0")
folder=$1
shift
for extra in "$@"; do set -- "$@" --extra "$extra"; shift; done

uv pip install --quiet --target "$folder" --requirements "$here/pyproject.toml" "$@" \
    --constraints "$here/constraints.txt" --overrides "$here/overrides.txt"

# Nothing here is needed to run: programs of the packages, their tests, types for checkers, sources of compiled code.
rm -rf "$folder/bin" "$folder/share"
find "$folder" -type d -name tests -prune -exec rm -rf {} +
find "$folder" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.a' \) -delete
# 25 MB of debugging symbols. Not in other wheels: libraries that auditwheel has rewritten can break.
if [ -d "$folder/av" ]; then find "$folder/av" -name '*.so' -exec strip --strip-debug {} +; fi
python3 -m compileall -q --invalidation-mode unchecked-hash -s "$folder" -p /usr/local/lib/site-packages "$folder"
