# Ends all that an engine for tests left: its processes, its mounts, its directory ($1).
# Sourced by keep.sh, and run when a test drops its engine. Only processes that were started out of the
# directory are touched, each by its id.
root=$1
case $root in /*/engine-*) ;; *) echo "not an engine's directory: $root" >&2; exit 1 ;; esac

# Its programs name the directory in their arguments; containers are their children.
ours() {
    for file in $(grep -alF "$root/" /proc/[0-9]*/cmdline 2>/dev/null); do
        pid=${file#/proc/}
        pid=${pid%/cmdline}
        case $(readlink "/proc/$pid/exe" 2>/dev/null) in
        */dockerd | */containerd | */containerd-shim* | */runc | */podman | */conmon) echo "$pid" ;;
        esac
    done
}
tries=0
while [ $tries -lt 20 ]; do
    pids=$(ours)
    [ -n "$pids" ] || break
    for pid in $pids; do
        case $(readlink "/proc/$pid/exe" 2>/dev/null) in
        */containerd-shim* | */conmon)
            for child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do kill -9 "$child" 2>/dev/null; done
            ;;
        esac
        kill -9 "$pid" 2>/dev/null
    done
    sleep 0.05
    tries=$((tries + 1))
done

for id in $(ls "$root/data/containers" 2>/dev/null); do
    rmdir /sys/fs/cgroup/*/docker/"$id" /sys/fs/cgroup/docker/"$id" 2>/dev/null
done
awk -v root="$root/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do
    umount -l "$mount" 2>/dev/null
done
[ -f "$root/bridge" ] && ip link delete "$(cat "$root/bridge")" 2>/dev/null
rm -rf "$root"
