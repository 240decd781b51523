#!/bin/busybox sh
# First process of a lab guest, in its initial memory file system. Makes the host's root file system,
# under a throw-away overlay, the guest's own, and hands over to busybox init.
#
# /kmolt/config says what the guest is to look like; see Initramfs.java.

PATH=/bin
/bin/busybox --install -s /bin
. /kmolt/config

fail() {
	echo "kmolt-lab: boot failed: $*" >/dev/console
	# The host sees the machine stop, and this line in the kernel log.
	poweroff -f
	sleep 60
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev || fail "no devtmpfs"

while read -r module; do
	insmod "/kmolt/modules/$module" || fail "module $module"
done </kmolt/load

[ -z "$PROBE" ] || { echo "kmolt-lab: probe ok" >/dev/console; poweroff -f; }

P9=trans=virtio,version=9p2000.L,msize=262144
mkdir -p /lower /upper /modules /new

# The host's files do not change under a guest often enough to ask for each access again.
mount -t 9p -o "ro,$P9,cache=loose" root /lower || fail "cannot mount the host's root"
mount -t tmpfs -o mode=755 tmpfs /upper
mkdir -p /upper/root /upper/root.work /upper/modules /upper/modules.work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/root,workdir=/upper/root.work overlay /new ||
	fail "cannot lay an overlay over the host's root"

mkdir -p /new/proc /new/sys /new/dev /new/run /new/tmp "/new/lib/modules/$KERNEL" /new/boot
mount -o move /proc /new/proc
mount -o move /sys /new/sys
mount -o move /dev /new/dev
mount -t tmpfs -o mode=755 tmpfs /new/run
chmod 1777 /new/tmp

# This kernel's modules, whatever the host has under that name.
mount -t 9p -o "ro,$P9,cache=loose" modules /modules || fail "cannot mount the modules"
mount -t overlay -o lowerdir=/modules,upperdir=/upper/modules,workdir=/upper/modules.work \
	overlay "/new/lib/modules/$KERNEL" || fail "cannot lay an overlay over the modules"
for file in vmlinuz System.map config; do
	ln -sf "$KERNEL_FOLDER/boot/$file-$KERNEL" /new/boot/
done

# Shares come last, so that they win over everything else. cache=mmap: other writers are seen.
while read -r tag folder; do
	mkdir -p "/new$folder"
	mount -t 9p -o "rw,$P9,cache=mmap" "$tag" "/new$folder" || fail "cannot mount the share $folder"
done </kmolt/shares

mkdir -p /new/run/kmolt-lab/bin
cp /bin/busybox /kmolt/config /kmolt/environment /kmolt/shell /kmolt/runner /kmolt/start /new/run/kmolt-lab/
ln -s ../busybox /new/run/kmolt-lab/bin/init
mkfifo /new/run/kmolt-lab/job /new/run/kmolt-lab/idle
mkdir -p /new/usr/local/bin
cp /kmolt/kmolt /new/usr/local/bin/kmolt
cp /kmolt/inittab /new/etc/inittab

exec switch_root /new /run/kmolt-lab/bin/init
