#!/bin/sh
# Runs in a container before all other services. On the first start it generates random passwords and writes each service's
# secrets to the volume of that service, readable by its user only. It does not change existing secrets.
set -eu

done=/secrets/db/made
[ ! -e "$done" ] || exit 0

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# write FOLDER/NAME USER TEXT: replaces a file that an interrupted start left behind
write() {
  umask 077
  rm -f "/secrets/$1"
  printf '%s\n' "$3" >"/secrets/$1"
  chown "$2:$2" "/secrets/$1"
}

redis=$(random)
write db/superuser-password 999 "$(random)"
# Each of these services has a database login of its own name (initdb/10-roles.sh).
for service in migrate app worker; do
  password=$(random)
  write "db/$service-password" 999 "$password"
  write "$service/database-url" 65532 "postgresql://$service:$password@db/tps"
done
# Without a password, a client may only PING. The user tps may access the keys tps:* only.
write redis/users.acl 999 "user default on nopass resetkeys resetchannels -@all +ping
user tps on >$redis resetchannels ~tps:* -@all +ping +select +mget +set"
write app/redis-url 65532 "redis://tps:$redis@redis"
write grafana/admin-password 472 "$(random)"
touch "$done"
echo "generated new passwords"
