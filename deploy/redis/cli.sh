#!/bin/sh
# redis-cli as one of our users, inside the container: cli.sh USER ARGUMENTS…
set -eu
user=$1
shift
REDISCLI_AUTH=$(cat "${REDIS_PASSWORDS:-/run/passwords}/$user/password")
export REDISCLI_AUTH
exec redis-cli --user "$user" --no-auth-warning "$@"
