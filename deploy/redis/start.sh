#!/bin/sh
# A container's command: start.sh ARGUMENTS… makes missing passwords, then runs redis-server under our users.
# REDIS_PASSWORDS: the folder of the passwords; ACL_FILE: where the ACL file is put, best on a tmpfs.
set -eu
here=$(dirname "$0")
passwords=${REDIS_PASSWORDS:-/run/passwords}
acl_file=${ACL_FILE:-/tmp/users.acl}

"$here/passwords.sh" "$passwords"
version=$(redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/')
(umask 077 && "$here/acl.sh" "$passwords" "$version" >"$acl_file")
exec redis-server "$@" --aclfile "$acl_file"
