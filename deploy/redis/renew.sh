#!/bin/sh
# A new password for a user of a running server, inside the container: renew.sh USER ARGUMENTS-OF-REDIS-CLI…
# Services read their file at every connection: the one concerned is cut off here and comes back with the new password.
set -eu
here=$(dirname "$0")
passwords=${REDIS_PASSWORDS:-/run/passwords}
acl_file=${ACL_FILE:-/tmp/users.acl}
user=$1
shift

[ -f "$passwords/$user/password" ] || { echo "renew.sh: there is no user $user" >&2; exit 1; }
REDISCLI_AUTH=$(cat "$passwords/admin/password")
export REDISCLI_AUTH
version=$(redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/')
rm "$passwords/$user/password"
"$here/passwords.sh" "$passwords"
(umask 077 && "$here/acl.sh" "$passwords" "$version" >"$acl_file")
redis-cli --no-auth-warning --user admin "$@" ACL LOAD
if [ "$user" != admin ]; then redis-cli --no-auth-warning --user admin "$@" CLIENT KILL USER "$user"; fi
