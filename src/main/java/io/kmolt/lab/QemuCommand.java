package io.kmolt.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;

/**
 * The QEMU command line of a guest.
 *
 * @param image what to boot: an unpacked kernel or a bzImage
 * @param folder of the guest: sockets, console log, pid file, initramfs
 * @param kvm use KVM; else emulate
 * @param hostTsc how fast this machine's time stamp counter runs, in kHz, if that is known
 */
record QemuCommand(LabOptions options, Kernel kernel, Path image, Path folder, boolean kvm, OptionalLong hostTsc) {
    static final String BINARY = "qemu-system-x86_64";

    /** Independent shells that a guest offers. */
    static final int SHELLS = 4;

    /** In kHz: with {@code -icount shift=0} an instruction takes a nanosecond, and the counter advances by one in it. */
    private static final long ICOUNT_TSC = 1_000_000;

    /** QEMU's own: pauses the machine, dumps its memory, and whatever else QMP can do. */
    static final String MONITOR = "monitor";

    static final String STDOUT_PORT = "stdout";
    static final String STDERR_PORT = "stderr";

    /** When its socket listens, so do all others: QEMU opens them in the order of its command line. */
    static final String LAST_PORT = STDERR_PORT;

    static String shellPort(int index) {
        return "shell" + index;
    }

    static String shareTag(int index) {
        return "share" + index;
    }

    Path socket(String port) {
        return folder.resolve(port + ".sock");
    }

    Path consoleLog() {
        return folder.resolve("console.log");
    }

    Path initramfs() {
        return folder.resolve("initramfs");
    }

    Path pidFile() {
        return folder.resolve("pid");
    }

    /** Program and arguments. */
    List<String> argv() {
        List<String> argv = new ArrayList<>();
        Collections.addAll(argv, BINARY, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot");
        Collections.addAll(argv, "-machine", "q35", "-cpu", options.cpu());
        // thread=multi is unreliable while kernel text is being patched: upstream's own function tracer hangs it.
        Collections.addAll(argv, "-accel", kvm ? "kvm" : "tcg,thread=single");
        if (options.icount()) {
            Collections.addAll(argv, "-icount", "shift=0,sleep=off");
        }
        if (options.secureBoot()) {
            argv.addAll(SecureBoot.firmware(folder));
        }
        Collections.addAll(argv, "-smp", "" + options.cpus(), "-m", "" + options.memory());
        Collections.addAll(
                argv, "-kernel", image.toString(), "-initrd", initramfs().toString());
        Collections.addAll(argv, "-append", kernelCommandLine());
        Collections.addAll(argv, "-pidfile", pidFile().toString());
        Collections.addAll(
                argv, "-chardev", "file,id=console,path=" + escape(consoleLog()), "-serial", "chardev:console");
        Collections.addAll(argv, "-qmp", "unix:" + escape(socket(MONITOR)) + ",server=on,wait=off");
        export(argv, "root", Path.of("/"), true);
        export(argv, "modules", kernel.modules(), true);
        for (int i = 0; i < options.shares().size(); i++) {
            export(argv, shareTag(i), options.shares().get(i), false);
        }
        Collections.addAll(argv, "-device", "virtio-serial-pci,max_ports=" + (SHELLS + 3));
        for (int i = 0; i < SHELLS; i++) {
            port(argv, shellPort(i));
        }
        port(argv, STDOUT_PORT);
        port(argv, STDERR_PORT);
        return argv;
    }

    private String kernelCommandLine() {
        // An oops ends the guest at once: a kernel that goes on after one proves nothing.
        // The emulator's time stamp counters agree, though their CPUID bits do not promise it; the alternative, a
        // device
        // register, makes every look at the clock slow.
        String words = "console=ttyS0 printk.time=1 loglevel=8 panic=-1 oops=panic tsc=reliable";
        // An emulated CPU can stand still for seconds on a busy machine; that is no stall of the guest's kernel.
        String patience = kvm ? "" : " watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60";
        return (words + clock() + patience + " " + options.append()).strip();
    }

    /**
     * Tells an emulated guest how fast its time stamp counter runs. Its kernel would measure that against the emulated
     * timer chip, and on a busy machine find a counter that is several times too slow (determine_cpu_tsc_frequencies in
     * arch/x86/kernel/tsc.c); its clock would then run that many times too fast, for tsc=reliable forbids doubts.
     */
    private String clock() {
        if (kvm) {
            return ""; // KVM tells its guests itself
        }
        if (options.icount()) {
            return " tsc_early_khz=" + ICOUNT_TSC;
        }
        return hostTsc.isPresent() ? " tsc_early_khz=" + hostTsc.getAsLong() : "";
    }

    private void port(List<String> argv, String name) {
        Collections.addAll(argv, "-chardev", "socket,id=" + name + ",server=on,wait=off,path=" + escape(socket(name)));
        Collections.addAll(argv, "-device", "virtserialport,chardev=" + name + ",name=" + name);
    }

    private static void export(List<String> argv, String tag, Path folder, boolean readOnly) {
        Collections.addAll(
                argv,
                "-fsdev",
                "local,id=" + tag + ",security_model=none,multidevs=remap,path=" + escape(folder)
                        + (readOnly ? ",readonly=on" : ""));
        Collections.addAll(argv, "-device", "virtio-9p-pci,fsdev=" + tag + ",mount_tag=" + tag);
    }

    /** A comma in an option's value is doubled. */
    static String escape(Path path) {
        return path.toString().replace(",", ",,");
    }
}
