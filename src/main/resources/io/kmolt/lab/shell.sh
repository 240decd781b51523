#!/run/kmolt-lab/busybox sh
# Offers a root shell on the virtio port named $1, for as long as the guest lives: one shell after the other, each
# started by the first line that the host sends and ended when the host hangs up.

bb=/run/kmolt-lab/busybox
. /run/kmolt-lab/environment
cd /

port=
for p in /sys/class/virtio-ports/*; do
	read -r name <"$p/name"
	[ "$name" != "$1" ] || port=/dev/${p##*/}
done

while :; do
	# Opening the port anew drops what an earlier user may have left in it.
	exec 3<>"$port"
	# A port without a host at its other end reads as ended.
	if read -r line <&3; then
		$bb setsid $bb sh <&3 >&3 2>&1 3>&-
	fi
	exec 3>&-
	# Sleeps without starting a process: nobody ever writes there.
	read -r -t 0.3 line <>/run/kmolt-lab/idle
done
