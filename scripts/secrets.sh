#!/bin/sh
# Makes the secrets that the compose files hand to containers, each in a file of its own: secrets.sh [FOLDER].
# Those that are there stay. The folder is its owner's alone; the files in it are not, since whoever a container runs
# as must be able to read them.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-.secrets}
umask 022
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

keep() { # NAME TEXT: a kill leaves no half of a file
    printf '%s' "$2" >".$1.new"
    mv ".$1.new" "$1"
}
make() { # NAME…: 32 random bytes, which is also an Ed25519 key
    for name in "$@"; do
        [ -s "$name" ] || keep "$name" "$(head -c 32 /dev/urandom | base64)"
    done
}
make_word() { # NAME…: likewise, of letters and digits alone, as addresses need them
    for name in "$@"; do
        [ -s "$name" ] || keep "$name" "$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
    done
}

make auth_signing_key auth_refresh_secret payment_token_secrets movies_stream_secret
make sandbox_shop_secret_key sandbox_stripe_secret_key sandbox_stripe_webhook_secret
make sandbox_wallet_token sandbox_wallet_client_secret sandbox_wallet_notification_secret
make_word postgresql_password redis_password rabbitmq_password

# services prove to auth who they are; it knows them all
clients=""
for service in billing payment notification short_link movies web; do
    make_word "${service}_service_secret"
    clients="$clients,\"$service\":\"$(cat "${service}_service_secret")\""
done
keep auth_service_clients "{${clients#,}}"

# the same words as the servers read them, and as the roles do
keep redis.conf "requirepass $(cat redis_password)
"
keep rabbitmq.conf "default_user = theatre
default_pass = $(cat rabbitmq_password)
"
keep theatre_database_url "postgresql://theatre:$(cat postgresql_password)@billing-service-postgresql:5432/theatre"
keep theatre_redis_url "redis://:$(cat redis_password)@payment-redis:6379/0"
keep theatre_broker_url "amqp://theatre:$(cat rabbitmq_password)@billing-rabbitmq:5672/"
