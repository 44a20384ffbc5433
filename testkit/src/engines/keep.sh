# Waits until nobody uses the engine in $1 any more (its lease's lock is free), $2 seconds longer, and ends it.
# It outlives the test that started it, so that a killed test leaves nothing.
root=$1
linger=$2
exec 9<"$root/lease" || exit 0
while :; do
    flock -x 9
    flock -u 9
    [ "$linger" = 0 ] || sleep "$linger"
    # Nobody can join while this is held; who waits for it finds the directory gone.
    flock -n -x 9 && break
done
[ -d "$root" ] || exit 0
sh -c "$3" reap "$root"
