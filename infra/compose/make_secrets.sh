#!/bin/sh
# Runs in a container before anything else: makes the passwords of the demonstration at random, once, and writes to each
# service's volume what that service has to know, readable by its user only. Volumes that are there are left alone.
set -eu

done=/secrets/db/made
[ ! -e "$done" ] || exit 0

random() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# write FOLDER/NAME USER TEXT; a file that an interrupted start left is replaced
write() {
  umask 077
  rm -f "/secrets/$1"
  printf '%s\n' "$3" >"/secrets/$1"
  chown "$2:$2" "/secrets/$1"
}

redis=$(random)
write db/superuser-password 999 "$(random)"
# A login of the database for each of them (initdb/10-roles.sh), named like the service.
for service in migrate app worker; do
  password=$(random)
  write "db/$service-password" 999 "$password"
  write "$service/database-url" 65532 "postgresql://$service:$password@db/tps"
done
# Nobody without a password may do more than ask whether Redis is alive; tps touches its own keys only.
write redis/users.acl 999 "user default on nopass resetkeys resetchannels -@all +ping
user tps on >$redis resetchannels ~tps:* -@all +ping +select +mget +set"
write app/redis-url 65532 "redis://tps:$redis@redis"
write grafana/admin-password 472 "$(random)"
touch "$done"
echo "made new passwords"
