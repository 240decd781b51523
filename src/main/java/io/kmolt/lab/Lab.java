package io.kmolt.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/** Starts disposable guests: real distribution kernels in QEMU, with this machine's files under a throw-away overlay. */
public final class Lab {
    private Lab() {}

    /**
     * Boots a guest that lives no longer than this JVM.
     *
     * @return when QEMU runs; {@link Guest#target} waits for the guest's shell
     * @throws KernelMissingException when the kernel was not fetched
     * @throws LabException when QEMU cannot be started
     */
    public static Guest start(LabOptions options) throws IOException {
        KernelCache cache = KernelCache.ofUser();
        Kernel kernel = cache.require(options.kernel());
        Path folder = Files.createTempDirectory("kmolt-lab-").toAbsolutePath();
        try {
            GuestFolders.checkLength(folder);
            QemuCommand qemu = prepare(options, kernel, folder, cache);
            GuestProcess process = GuestProcess.startSupervised(qemu);
            return new Guest(String.valueOf(folder.getFileName()), folder, process, true);
        } catch (IOException | RuntimeException e) {
            GuestFolders.delete(folder);
            throw e;
        }
    }

    /** Writes a guest's initramfs and decides how to run it. */
    static QemuCommand prepare(LabOptions options, Kernel kernel, Path folder, KernelCache cache) throws IOException {
        for (Path share : options.shares()) {
            if (!Files.isDirectory(share)) {
                throw new LabException("cannot share " + share + ": it is not a folder");
            }
            if (share.toString().chars().anyMatch(Character::isWhitespace)) {
                throw new LabException("cannot share " + share + ": white space in its path is not supported");
            }
        }
        boolean kvm = !options.icount() && KvmProbe.usable(cache, kernel);
        Path image = options.secureBoot()
                ? SecureBoot.prepare(kernel, folder)
                : options.kaslr()
                        ? kernel.image()
                        : KernelImage.unpacked(kernel).orElse(kernel.image());
        QemuCommand qemu =
                new QemuCommand(options, kernel, image, folder, kvm, kvm ? OptionalLong.empty() : HostTsc.kilohertz());
        Initramfs.write(qemu.initramfs(), kernel, options.shares(), environment(cache), KmoltCommand.script(), false);
        return qemu;
    }

    /** What a command in a guest finds in its environment: little, so that runs do not depend on the caller's shell. */
    private static Map<String, String> environment(KernelCache cache) {
        Map<String, String> environment = new TreeMap<>();
        environment.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        environment.put("HOME", "/root");
        environment.put("KMOLT_JAVA_HOME", System.getProperty("java.home"));
        environment.put("KMOLT_JAVA_OPTS", "-XX:TieredStopAtLevel=1"); // optimising costs more than it gains there
        environment.put("KMOLT_CACHE", cache.root().toString());
        System.getenv().forEach((name, value) -> {
            if (name.matches("LANG|LC_[A-Z]+|TERM|TZ|KMOLT_[A-Z0-9_]+")) {
                environment.put(name, value);
            }
        });
        return environment;
    }
}
