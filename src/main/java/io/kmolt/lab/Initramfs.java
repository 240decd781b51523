package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.ShellQuote;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A guest's initial memory file system: busybox, the modules that it takes to reach the host's files, and the scripts
 * {@code init.sh} (see there for what happens next), {@code start.sh}, {@code shell.sh} and {@code runner.sh}.
 */
final class Initramfs {
    private static final List<String> MODULES =
            List.of("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay");

    private Initramfs() {}

    /**
     * Writes the archive.
     *
     * @param kernel whose modules to take
     * @param shares folders to mount, as {@link QemuCommand} tags them
     * @param environment of every command in the guest
     * @param kmolt a shell script: the {@code kmolt} command of the guest
     * @param probe only say that the kernel came up, and power off
     */
    static void write(
            Path file, Kernel kernel, List<Path> shares, Map<String, String> environment, String kmolt, boolean probe)
            throws IOException {
        List<Path> modules = kernel.loadOrder(MODULES);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            CpioWriter cpio = new CpioWriter(out);
            for (String folder : List.of("dev", "proc", "sys")) {
                cpio.folder(folder);
            }
            cpio.file("bin/busybox", 0755, Files.readAllBytes(busybox()));
            cpio.file("init", 0755, script("init"));
            for (String script : List.of("start", "shell", "runner")) {
                cpio.file("kmolt/" + script, 0755, script(script));
            }
            for (Path module : modules) {
                cpio.file("kmolt/modules/" + module.getFileName(), 0644, Files.readAllBytes(module));
            }
            text(
                    cpio,
                    "load",
                    lines(modules.stream().map(m -> m.getFileName() + "").toList()));
            text(
                    cpio,
                    "config",
                    "KERNEL=" + ShellQuote.word(kernel.version()) + "\nKERNEL_FOLDER="
                            + ShellQuote.word(kernel.folder().toString()) + "\nPROBE=" + (probe ? "y" : "") + "\n");
            text(
                    cpio,
                    "environment",
                    environment.entrySet().stream()
                            .map(e -> "export " + e.getKey() + "=" + ShellQuote.word(e.getValue()) + "\n")
                            .sorted()
                            .collect(Collectors.joining()));
            StringBuilder tags = new StringBuilder();
            for (int i = 0; i < shares.size(); i++) {
                tags.append(QemuCommand.shareTag(i))
                        .append(' ')
                        .append(shares.get(i))
                        .append('\n');
            }
            text(cpio, "shares", tags.toString());
            text(cpio, "inittab", inittab());
            cpio.file("kmolt/kmolt", 0755, kmolt.getBytes(UTF_8));
            cpio.finish();
        }
    }

    private static String inittab() {
        StringBuilder lines = new StringBuilder("::sysinit:/run/kmolt-lab/start\n");
        for (int i = 0; i < QemuCommand.SHELLS; i++) {
            lines.append("::respawn:/run/kmolt-lab/shell ")
                    .append(QemuCommand.shellPort(i))
                    .append('\n');
        }
        return lines.append("::respawn:/run/kmolt-lab/runner\n").toString();
    }

    private static String lines(List<String> lines) {
        return String.join("\n", lines) + "\n";
    }

    private static void text(CpioWriter cpio, String name, String text) throws IOException {
        cpio.file("kmolt/" + name, 0644, text.getBytes(UTF_8));
    }

    private static byte[] script(String name) throws IOException {
        try (InputStream in = Initramfs.class.getResourceAsStream(name + ".sh")) {
            if (in == null) {
                throw new LabException("the resource " + name + ".sh is missing from this build of kmolt");
            }
            return in.readAllBytes();
        }
    }

    /** A busybox without shared libraries: nothing else is there when it starts. */
    private static Path busybox() throws LabException {
        for (String folder : List.of("/bin", "/usr/bin", "/sbin")) {
            Path file = Path.of(folder, "busybox");
            if (Files.isExecutable(file)) {
                return file;
            }
        }
        throw new LabException("no busybox found; install it with: apt-get install busybox-static");
    }
}
