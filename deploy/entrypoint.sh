#!/bin/sh
# How the container starts. As root it makes the data directory the server's, lets it use the engine's socket, and goes
# on as the unprivileged user `chrontainer`; as any other user (`--user`) it changes nothing.
set -eu

say() { echo "chrontainer: $*" >&2; }

user=chrontainer

# The engines' sockets: what DOCKER_HOST names, and what is mounted to the usual places (/var/run is /run).
sockets() {
    case ${DOCKER_HOST:-} in
        unix://*) echo "${DOCKER_HOST#unix://}" ;;
    esac
    for path in /run/*.sock /run/*/*.sock; do echo "$path"; done
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

# What it takes to use the sockets that are mounted, one per line: the number of a group, or `root`.
socket_access() {
    sockets | while read -r socket; do
        [ -S "$socket" ] || continue
        owner=$(stat -L -c %u "$socket")
        case $(stat -L -c %A "$socket") in
            s???rw*) stat -L -c %g "$socket" ;;
            s??????rw*) ;;
            *)
                if [ "$owner" = 0 ] && rootless; then
                    echo root
                else
                    say "only user $owner may use $socket; let a group use it (chmod g+rw), or start with --user"
                fi
                ;;
        esac
    done | sort -u
}

# Whether root in here is an ordinary user outside, as in containers of rootless engines.
rootless() {
    read -r _ outside _ < /proc/self/uid_map
    [ "$outside" != 0 ]
}

if [ "$(id -u)" = 0 ]; then
    uid=$(id -u "$user")
    gid=$(id -g "$user")
    data=${CHRONTAINER_DATA_DIR:-/data}
    own_data
    access=$(socket_access)
    case $access in
        # The socket is open to its owner alone, who is root only in here. Postgres still runs as $user.
        *root*) exec setpriv --inh-caps=-all --no-new-privs -- "$@" ;;
    esac
    groups=$gid
    for group in $access; do groups=$groups,$group; done
    # Nothing below may gain rights again, not even by a program with the setuid bit.
    exec setpriv --reuid="$uid" --regid="$gid" --groups="$groups" --inh-caps=-all --no-new-privs -- "$@"
fi

exec "$@"
