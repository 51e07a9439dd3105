#!/bin/sh
# Makes the passwords that are missing: passwords.sh FOLDER writes FOLDER/USER/password for every user of users.acl.
# A folder for each user, so that each container can be given its own and no other. The files are readable by all
# who reach them, as a service runs under another user id than Redis: the folder, or the volume, is what protects them.
set -eu
umask 022
folder=$1

for user in $(sed -n 's/^user .*#@\([a-z]*\)@.*/\1/p' "$(dirname "$0")/users.acl"); do
    file=$folder/$user/password
    [ -s "$file" ] && continue
    mkdir -p "$folder/$user"
    head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >"$file.new"
    chmod 0444 "$file.new"
    mv "$file.new" "$file"
done
