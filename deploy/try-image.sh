#!/bin/sh
# try-image.sh [IMAGE]: starts the image the way the README says and checks what it promises. Needs an engine at
# DOCKER_HOST or the usual socket, and removes everything that it made.
#
# SOCKET names the engine's socket on the engine's machine, where it is not the usual one.
set -eu

image=${1:-chrontainer}
case ${DOCKER_HOST:-} in
    unix://*) socket=${SOCKET:-${DOCKER_HOST#unix://}} ;;
    *) socket=${SOCKET:-/var/run/docker.sock} ;;
esac
socket_group=$(stat -L -c %g "$socket")
name=chrontainer-try-$$
volume=$name-data

# shellcheck disable=SC2317 # called by the trap
clean() {
    docker rm -f "$name" >/dev/null 2>&1 || true
    docker volume rm -f "$volume" >/dev/null 2>&1 || true
}
trap clean EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    docker logs --tail 40 "$name" >&2 || true
    exit 1
}

ok() { echo "ok: $*"; }

# start ARGUMENT…: the container with its socket and its data.
start() {
    docker run -d --name "$name" -v "$socket:/var/run/docker.sock" -v "$volume:/data" "$@" "$image" >/dev/null
}

state() { docker inspect -f '{{.State.Health.Status}}' "$name"; }

# Asked with the command itself, so that nobody waits for the interval of the health check.
ready() {
    for _ in $(seq 120); do
        if docker exec "$name" chrontainer-server health >/dev/null 2>&1; then return; fi
        [ "$(docker inspect -f '{{.State.Running}}' "$name")" = true ] || fail "it ended"
        sleep 1
    done
    fail "it does not get ready"
}

# about_server COMMAND: what it prints of the server's directory in /proc, which it is given as $p.
about_server() { docker exec "$name" sh -c 'for p in /proc/[0-9]*; do
    [ "$(cat "$p/comm" 2>/dev/null)" = chrontainer-ser ] && tr "\0" " " < "$p/cmdline" | grep -qv health && '"$1"'; done | head -1'; }

server_uid() { about_server 'stat -c %u "$p"'; }

postgres_uid() { docker exec "$name" sh -c 'for p in /proc/[0-9]*; do
    [ "$(cat "$p/comm" 2>/dev/null)" = postgres ] && stat -c %u "$p"; done | sort -u'; }

api() { docker exec "$name" chrontainer --api-key "$key" "$@"; }

sees_itself() {
    key=$(docker exec "$name" chrontainer-server api-key create --user owner --name "try-$(date +%s)")
    for _ in $(seq 30); do
        if api ps | grep -q "$name"; then return; fi
        sleep 1
    done
    fail "it does not list the engine's containers"
}

echo "== started as root"
start -p 127.0.0.1::3000
ready
docker logs "$name" 2>&1 | grep -q '/setup?token=' || fail "no set-up link in the log"
ok "the log shows the set-up link"
[ "$(server_uid)" = 3000 ] || fail "the server runs as user $(server_uid)"
[ "$(postgres_uid)" = 3000 ] || fail "Postgres runs as user $(postgres_uid)"
ok "server and Postgres run as an unprivileged user"
[ "$(docker exec "$name" stat -c %u /data)" = 3000 ] || fail "/data is not the server's"
about_server 'grep ^Groups: "$p/status"' | tr '\t' ' ' | grep -q " $socket_group\b" || fail "the server is not in the socket's group"
[ "$(about_server 'sed -n "s/^NoNewPrivs:.//p" "$p/status"')" = 1 ] || fail "the server may gain rights"
ok "the data is its own, and it is in the socket's group"
port=$(docker port "$name" 3000/tcp | head -1)
if command -v curl >/dev/null; then
    curl -fsS -o /dev/null "http://$port/health" || fail "it does not answer on the published port"
    ok "it answers on the published port"
fi
docker rm -f "$name" >/dev/null
ok "killed"

echo "== started again on the same data, with an owner made without a browser"
password=$(mktemp)
head -c 18 /dev/urandom | base64 > "$password"
chmod 644 "$password"
start -p 127.0.0.1::3000 -e CHRONTAINER_SETUP_USER=owner -e CHRONTAINER_SETUP_PASSWORD_FILE=/run/secrets/owner \
    -v "$password:/run/secrets/owner:ro"
ready
ok "the data of the killed container is used"
sees_itself
ok "it lists the engine's containers through the socket"
if command -v curl >/dev/null; then
    url="http://$(docker port "$name" 3000/tcp | head -1)/api/v1"
    ask() { curl -sS -H "Authorization: Bearer $key" "$@"; }
    ask "$url/hosts" | grep -q '"name":"local"' || fail "the local engine was not added"
    ok "the local engine is a host"
    itself=$(docker inspect -f '{{.Id}}' "$name")
    for action in stop pause; do
        answer=$(ask -X POST -w ' %{http_code}' "$url/containers/$itself/$action")
        case $answer in
            *'"code":"protected"'*' 409') ;;
            *) fail "it does not refuse to $action itself: $answer" ;;
        esac
    done
    ok "it refuses to stop and pause itself"
fi

docker kill -s KILL "$name" >/dev/null
docker start "$name" >/dev/null
ready
sees_itself
ok "it comes back after kill -9, with its owner"

begun=$(date +%s)
docker stop -t 60 "$name" >/dev/null
took=$(($(date +%s) - begun))
[ "$took" -le 5 ] || fail "stopping takes $took s"
[ "$(docker inspect -f '{{.State.ExitCode}}' "$name")" = 0 ] || fail "it does not stop cleanly"
ok "it stops cleanly, in $took s"
docker start "$name" >/dev/null
for _ in $(seq 90); do
    [ "$(state)" = healthy ] && break
    sleep 1
done
[ "$(state)" = healthy ] || fail "the engine calls it $(state)"
ok "the engine calls it healthy"
clean
rm -f "$password"

echo "== started with --user"
start --user "1234:$socket_group"
ready
[ "$(server_uid)" = 1234 ] || fail "the server runs as user $(server_uid)"
[ "$(postgres_uid)" = 1234 ] || fail "Postgres runs as user $(postgres_uid)"
ok "server and Postgres run as that user"
docker logs "$name" 2>&1 | grep -q '/setup?token=' || fail "no set-up link in the log"
clean

echo "all good"
