# The first process of a guest: creates its file system, /proc and /dev, and becomes systemd. init.sh FOLDER
# CGROUP
set -e
folder=$1 cgroup=$2
if [ "$3" != inside ]; then
    # A process that writes 0 joins the group. Only then can the cgroup namespace begin here.
    echo 0 >"$cgroup/cgroup.procs"
    exec unshare --cgroup sh "$0" "$folder" "$cgroup" inside
fi
# /proc is still the machine's: this is the machine's ID of this process.
read -r pid rest </proc/self/stat
disk=$folder/disk
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
cd "$disk/root"
if [ ! -e "$folder/installed" ]; then
    # The guest must not start what the machine starts when it boots.
    rm -rf etc/systemd/system/*.wants/* nix
    ln -sf /dev/null etc/systemd/system/console-getty.service
    mkdir -p nix
    : >"$folder/installed"
fi
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
while IFS='	' read -r source target; do
    [ -n "$source" ] || continue
    if [ -d "$source" ]; then
        mkdir -p "$disk/root$target"
        mount --bind "$source" "$disk/root$target"
    else
        mkdir -p "$disk/root${target%/*}"
        : >>"$disk/root$target"
        mount --bind "$source" "$disk/root$target"
        mount -o remount,bind,ro "$disk/root$target"
    fi
done <"$folder/binds"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
# A kernel gets a new boot ID at each boot. The guest shares the machine's kernel, so its own ID is mounted
# over it.
cat proc/sys/kernel/random/uuid >run/boot-id
mount --bind run/boot-id proc/sys/kernel/random/boot_id
# A guest must not change kernel settings: they are the machine's.
mount --rbind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
if [ -e proc/sysrq-trigger ]; then
    mount --bind proc/sysrq-trigger proc/sysrq-trigger
    mount -o remount,bind,ro proc/sysrq-trigger
fi
# The guest has its own devices: its systemd changes the owner and mode of its console, and must not change
# the machine's.
mount -t tmpfs -o mode=755 tmpfs dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mknod -m 600 dev/console c 1 3
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
echo "$pid" >"$folder/pid.new"
mv "$folder/pid.new" "$folder/pid"
mkdir -p .machine
pivot_root . .machine
umount -l /.machine
# Neither modules nor the clock: there is only one kernel.
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio \
    /lib/systemd/systemd --system --unit=multi-user.target </dev/null
