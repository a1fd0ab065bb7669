# Runs a guest until standard input is closed, boots it again after a reboot, and cleans up at the end, even
# if the program that requested it was killed. In its own mount namespace. supervise.sh FOLDER CGROUP NETWORK
folder=$1 cgroup=$2 network=$3
mount -t tmpfs -o size=2g,mode=755 tmpfs "$folder/disk" || exit 1
mkdir "$folder/disk/upper" "$folder/disk/work" "$folder/disk/root" "$cgroup" || exit 1
boots() {
    while :; do
        setpriv --pdeathsig KILL \
            unshare --mount --pid --fork --kill-child --uts --ipc $network sh "$folder/init.sh" "$folder" "$cgroup"
        # The kernel reports a reboot in a process namespace as an end by SIGHUP.
        [ $? -eq 129 ] || break
        rm -f "$folder/pid"
    done
    : >"$folder/off"
}
boots </dev/null >"$folder/console.log" 2>&1 &
boots=$!
cat >/dev/null
kill -KILL "$boots" 2>/dev/null
tries=0
while [ -d "$cgroup" ] && [ "$tries" -lt 200 ]; do
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
    tries=$((tries + 1))
    [ -d "$cgroup" ] && sleep 0.05
done
umount -l "$folder/disk"
rm -rf "$folder"
