#!/bin/sh
# Prints the server's ACL file: acl.sh FOLDER [VERSION] puts the SHA-256 of FOLDER/USER/password into users.acl.
# VERSION: the server's, 7 by default; 6 knows no keys that are only read or only written, and no selectors (in parentheses).
set -eu
folder=$1
version=${2:-7}

rules=$(awk '/^[ \t]*(#|$)/ { next } /^user / { if (line) print line; line = $0; next } { $1 = $1; line = line " " $0 } END { print line }' \
    "$(dirname "$0")/users.acl")
case $version in 6*) rules=$(printf '%s\n' "$rules" | sed 's/%[RW]~/~/g; s/[()]//g') ;; esac
for user in $(printf '%s\n' "$rules" | sed -n 's/.*#@\([a-z]*\)@.*/\1/p'); do
    file=$folder/$user/password
    password=$(cat "$file") || exit 1
    [ -n "$password" ] || { echo "acl.sh: $file is empty" >&2; exit 1; }
    hash=$(printf %s "$password" | sha256sum | cut -c 1-64)
    rules=$(printf '%s\n' "$rules" | sed "s/#@$user@/#$hash/")
done
printf '%s\n' "$rules"
