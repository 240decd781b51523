package io.kmolt.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Whether a guest really boots with KVM. A {@code /dev/kvm} can be there, open and create a virtual machine, and still
 * hang every guest: only booting one tells.
 *
 * <p>The answer is kept for the life of this machine's boot and the kernel probed. {@code KMOLT_LAB_ACCEL=tcg} or
 * {@code kvm} overrides it.
 */
final class KvmProbe {
    /** A guest with a working KVM says hello well within a second or two. */
    private static final int LIMIT_SECONDS = 10;

    private KvmProbe() {}

    static boolean usable(KernelCache cache, Kernel kernel) throws IOException {
        String forced = System.getenv("KMOLT_LAB_ACCEL");
        if (forced != null && !forced.isEmpty()) {
            return forced.equals("kvm");
        }
        Path device = Path.of("/dev/kvm");
        if (!Files.isReadable(device) || !Files.isWritable(device)) {
            return false;
        }
        String key =
                Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip() + " " + kernel.version();
        Path memory = cache.root().resolve("kvm-probe-" + kernel.version());
        if (Files.isReadable(memory)) {
            String known = Files.readString(memory);
            if (known.startsWith(key + " ")) {
                return known.strip().endsWith("yes");
            }
        }
        boolean usable = boots(kernel);
        Path fresh = Files.createTempFile(cache.root(), "kvm-probe", null);
        Files.writeString(fresh, key + (usable ? " yes" : " no") + "\n");
        Files.move(fresh, memory, StandardCopyOption.ATOMIC_MOVE);
        return usable;
    }

    private static boolean boots(Kernel kernel) throws IOException {
        Path folder = Files.createTempDirectory("kmolt-kvm-");
        try {
            QemuCommand qemu =
                    new QemuCommand(LabOptions.defaults(), kernel, kernel.image(), folder, true, OptionalLong.empty());
            Initramfs.write(qemu.initramfs(), kernel, List.of(), Map.of(), "", true);
            GuestProcess guest = GuestProcess.startSupervised(qemu);
            try {
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
                GuestLog log = new GuestLog(qemu.consoleLog());
                boolean up = false;
                while (!up && guest.alive() && System.nanoTime() < deadline) {
                    Thread.sleep(50);
                    up = log.lines().contains("kmolt-lab: probe ok");
                }
                return up || log.lines().contains("kmolt-lab: probe ok");
            } finally {
                guest.kill();
            }
        } catch (LabException e) {
            return false; // QEMU itself would not have it
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while probing KVM", e);
        } finally {
            GuestFolders.delete(folder);
        }
    }
}
