#!/bin/sh
# Collects what Python needs to run, and nothing else: runtime-root.sh FOLDER makes the root of an image that has no
# shell and no package manager. It is for the official python images, whose Python lives in /usr/local.
set -eu
root=$1
python=$(readlink -f "$(command -v python3)")
version=$(basename "$python")

mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/$version/site-packages" "$root/usr/share" "$root/etc/ssl/certs"
mkdir -p -m 1777 "$root/tmp"
cp "$python" "$root/usr/local/bin/"
ln -s "$version" "$root/usr/local/bin/python3"
ln -s "$version" "$root/usr/local/bin/python"

# The standard library, without what only developers and installers use.
cd "/usr/local/lib/$version"
tar -c --exclude=./site-packages --exclude=./ensurepip --exclude=./idlelib --exclude=./lib2to3 --exclude=./pydoc_data \
    --exclude=./tkinter --exclude=./turtledemo --exclude=./test --exclude='./config-*' --exclude=__pycache__ . |
    tar -x -C "$root/usr/local/lib/$version"
find /usr/local/lib -maxdepth 1 -name 'libpython*.so*' -exec cp -P {} "$root/usr/local/lib/" \;
# The official images are stripped already. (Never strip wheels' libraries: rewritten by auditwheel, they break.)
find "$root/usr/local" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/*' \) -exec strip --strip-unneeded {} +
python3 -m compileall -q --invalidation-mode unchecked-hash -s "$root" "$root/usr/local/lib/$version"

# The shared libraries that it needs, and those that binary wheels expect every system to have (PEP 600).
find "$root/usr/local" -name '*.so' -exec ldd "$python" {} + >/tmp/needed
ldconfig -p | grep -E 'lib(stdc\+\+|gcc_s|atomic|dl|rt|util|pthread|resolv|anl|mvec|z|expat)\.so' >>/tmp/needed
grep -oE '/[^ ]+\.so[^ ):]*' /tmp/needed | grep -v '/usr/local/' | sort -u >/tmp/libraries
while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done </tmp/libraries
cp -r /etc/ld.so.conf /etc/ld.so.conf.d "$root/etc/"
ldconfig -r "$root"

# What the C library looks up, certificate authorities and time zones.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -r /usr/share/zoneinfo "$root/usr/share/"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'lotcast:x:10001:10001::/tmp:/nologin' >"$root/etc/passwd"
echo 'lotcast:x:10001:' >"$root/etc/group"
