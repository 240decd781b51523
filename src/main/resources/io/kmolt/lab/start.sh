#!/run/kmolt-lab/busybox sh
# Run once by init in the guest's final root: mounts and settings that a running system has.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
bb=/run/kmolt-lab/busybox

$bb mkdir -p /dev/pts /dev/shm /run/lock
$bb mount -t devpts -o gid=5,mode=620 devpts /dev/pts
$bb mount -t tmpfs -o mode=1777 tmpfs /dev/shm
$bb mount -t debugfs debugfs /sys/kernel/debug
$bb mount -t tracefs tracefs /sys/kernel/tracing
$bb mount -t securityfs securityfs /sys/kernel/security
$bb mount -t bpf bpf /sys/fs/bpf 2>/dev/null
$bb mount -t cgroup2 cgroup2 /sys/fs/cgroup
for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
	$bb ln -sf "${link#*:}" "/dev/${link%%:*}"
done
$bb hostname kmolt-lab
$bb ifconfig lo 127.0.0.1 up
