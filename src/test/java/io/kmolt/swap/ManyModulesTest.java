package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Modules of many kinds, in use, are swapped for the neighbouring package's builds; then all of them are unloaded. */
@Tag("lab")
class ManyModulesTest {
    private static final List<String> IN_USE =
            List.of("overlay", "loop", "veth", "dummy", "xfs", "vfat", "fat", "minix");

    @Test
    void modulesOfManyKindsAreSwappedInUseAndUnloadAsEver() throws Exception {
        try (SwapGuest guest = SwapGuest.boot("")) {
            guest.sh(
                    "modprobe -a overlay loop xfs vfat minix veth dummy; cd /dev/shm; mkdir -p /mnt/disk;"
                            + " truncate -s 16M disk; /sbin/mkfs.minix disk >/dev/null; /bin/mount -t minix -o loop disk /mnt/disk;"
                            + " echo before >/mnt/disk/file; /sbin/ip link add left type veth peer name right; /sbin/ip link add name d0 type dummy");
            for (String module : IN_USE) {
                SwapReport report = guest.swap(module, SwapGuest.neighbour(module));
                assertThat(guest.current(module)).isEqualTo(report.edition());
            }

            // The guest's own root is on the overlay, the file system on the loop device; new objects meet old ones.
            assertThat(
                            guest.sh(
                                    "cat /mnt/disk/file; echo after >/mnt/disk/file; sync; cat /mnt/disk/file; ls /sys/class/net"))
                    .contains("before\nafter\n")
                    .contains("left", "right", "d0");
            guest.sh(
                    "/sbin/ip link set left up; /sbin/ip link set right up; /sbin/ip link add more type veth; /sbin/ip link del left; /sbin/ip link del d0");
            for (String module : List.of("overlay", "loop")) {
                guest.revert(module);
                assertThat(guest.current(module)).isEqualTo("base");
            }
            assertThat(guest.sh("cat /mnt/disk/file")).isEqualTo("after");

            guest.sh("/sbin/ip link del more; /bin/umount /mnt/disk; rmmod minix vfat fat xfs veth dummy loop");
            assertThat(guest.sh("grep -o '^kmolt_[a-z0-9_]*' /proc/modules")).startsWith("kmolt_overlay_");
            guest.sh("modprobe -a minix loop veth; /bin/mount -t minix -o loop /dev/shm/disk /mnt/disk");
            assertThat(guest.sh("cat /mnt/disk/file; /bin/umount /mnt/disk")).isEqualTo("after");
            guest.assertQuiet();
        }
    }
}
