#!/bin/sh
# How the container starts. As root it makes the data directory the server's, lets it use the engine's socket, and goes
# on as the unprivileged user `chrontainer`; as any other user (`--user`) it changes nothing.
set -eu

say() { echo "chrontainer: $*" >&2; }

user=chrontainer

# The sockets that the server may be pointed at or finds by itself.
sockets() {
    case ${DOCKER_HOST:-} in
        unix://*) echo "${DOCKER_HOST#unix://}" ;;
    esac
    echo /var/run/docker.sock
    echo /run/podman/podman.sock
}

cannot_own() {
    say "$1 belongs to user $(stat -c %u "$1") and cannot be given to $user ($uid);" \
        "change its owner on the host, or start with --user"
}

# Only what is ours: a directory mounted by mistake keeps its owners.
own_data() {
    mkdir -p "$data"
    for path in "$data" "$data/postgres" "$data/backups" "$data/chrontainer.lock" "$data/secret.key"; do
        [ -e "$path" ] || continue
        [ "$(stat -c %u "$path")" != "$uid" ] || continue
        if [ "$path" = "$data" ]; then
            # In the image anyone may write it, for the sake of `--user`.
            { chmod go-w "$path" && chown "$uid:$gid" "$path"; } || cannot_own "$path"
        else
            chown -R "$uid:$gid" "$path" || cannot_own "$path"
        fi
    done
}

# The groups whose members may use a socket that is mounted.
socket_groups() {
    sockets | while read -r socket; do
        [ -S "$socket" ] || continue
        group=$(stat -L -c %g "$socket")
        case $(stat -L -c %A "$socket") in
            s???rw*) echo "$group" ;;
            s???????rw*) ;;
            *) say "only its owner may use $socket; start with --user $(stat -L -c %u "$socket"), or give it a group" ;;
        esac
    done | sort -un
}

if [ "$(id -u)" = 0 ]; then
    uid=$(id -u "$user")
    gid=$(id -g "$user")
    data=${CHRONTAINER_DATA_DIR:-/data}
    own_data
    groups=$(socket_groups | tr '\n' ',')
    # Nothing below may gain rights again, not even by a program with the setuid bit.
    exec setpriv --reuid="$uid" --regid="$gid" --groups="${groups}$gid" --inh-caps=-all --no-new-privs -- "$@"
fi

exec "$@"
