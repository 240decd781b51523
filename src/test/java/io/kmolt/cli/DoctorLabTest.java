package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.lab.Fixtures;
import io.kmolt.lab.KernelCache;
import io.kmolt.link.Descriptor;
import io.kmolt.module.KernelModule;
import io.kmolt.sign.ModuleSignature;
import io.kmolt.sign.SigningKey;
import io.kmolt.sign.TestKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * One guest is made unfit in one way after another; those that last until the next boot come last. Each time {@code
 * doctor} and every command that would load something say the same, and nothing changes.
 */
@Tag("lab")
@Tag("stock")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DoctorLabTest {
    private static final String RELEASE = Corpus.BOOKWORM_BEFORE;
    private static final String NAME = "doctor-test-" + ProcessHandle.current().pid();
    private static final String TARGET = "lab:" + NAME;
    private static final Path HOME = Path.of(System.getProperty("kmolt.home", "."));
    private static final Path NEW_MINIX = Corpus.module(Corpus.BOOKWORM, "minix");
    private static final Path MEMINFO = HOME.resolve("target/editions/" + RELEASE + "/meminfo.ko");
    private static final Path CORE = HOME.resolve("target/kernel/" + RELEASE + "/kmolt.ko");

    /** The guest sees it. */
    @TempDir
    static Path folder;

    @BeforeAll
    static void boot() {
        run("lab", "start", NAME, "--kernel", RELEASE, "--share", folder).exits(0);
        guest("modprobe minix");
    }

    @AfterAll
    static void stop() {
        run("lab", "stop", NAME).exits(0);
    }

    @Test
    @Order(1)
    void functionTracingIsSwitchedOff() {
        guest("echo 0 >/proc/sys/kernel/ftrace_enabled");
        assertUnfit("ftrace", "kernel.ftrace_enabled is 0", "sysctl -w kernel.ftrace_enabled=1");
        guest("sysctl -w kernel.ftrace_enabled=1");
        run("doctor", "-t", TARGET).exits(0).says(TARGET + ": fit");
    }

    @Test
    @Order(2)
    void addressesAreHidden() {
        guest("echo 2 >/proc/sys/kernel/kptr_restrict");
        assertUnfit("addresses", "the kernel hides addresses", "sysctl -w kernel.kptr_restrict=1");
        guest("sysctl -w kernel.kptr_restrict=1");
        run("doctor", "-t", TARGET).exits(0).says(TARGET + ": fit");
    }

    /** A stock kernel lacks nothing: what is taken away here is what its configuration says. */
    @Test
    @Order(3)
    void aFeatureIsMissing() {
        guest("cp /boot/config-$(uname -r) /run/config; sed -i '/^CONFIG_LIVEPATCH=/d' /boot/config-$(uname -r)");
        assertUnfit("kernel features", "missing: CONFIG_LIVEPATCH", "use a kernel that was built with them");
        guest("cp /run/config /boot/config-$(uname -r)");
    }

    @Test
    @Order(4)
    void anotherUserOfDirectCallsIsNamedAndKmoltsOwnAreNot() {
        guest("insmod " + Fixtures.editions("kmolt_direct"));
        run("edition", "load", "-t", TARGET, MEMINFO).exits(0);
        run("route", "-t", TARGET, "meminfo_proc_show", "1").exits(0);
        run("doctor", "-t", TARGET)
                .exits(0)
                .says(
                        TARGET + ": fit",
                        "warning  direct calls       others have one at cmdline_proc_show (module kmolt_direct)",
                        "→ leave these functions alone")
                .doesNotSay("meminfo_proc_show");
        guest("rmmod kmolt_direct");
        run("doctor", "-v", "-t", TARGET).exits(0).says("none but kmolt's");
        run("edition", "unload", "-t", TARGET, "meminfo").exits(0);
        guest("rmmod kmolt");
    }

    @Test
    @Order(5)
    void anotherBuildOfTheCoreIsLoaded() throws Exception {
        byte[] core = Files.readAllBytes(CORE);
        byte[] buildId =
                HexFormat.of().parseHex(KernelModule.read(CORE).buildId().orElseThrow());
        core[indexOf(core, buildId)] ^= 1;
        guest("insmod " + Files.write(folder.resolve("other.ko"), core));
        assertUnfit("core", "another build of it is loaded: build-id ", "revert what it has swapped, then rmmod kmolt");
        guest("rmmod kmolt");
    }

    @Test
    @Order(6)
    void anOldCoreIsLoadedOrThereIsOnlyTheFileOfOne() throws Exception {
        Path core = buildCore(3);
        guest("insmod " + core);
        assertUnfit(
                "core",
                "loaded with ABI 3, needed is " + Descriptor.ABI,
                "revert what it has swapped, then rmmod kmolt");
        guest("rmmod kmolt");
        System.setProperty("kmolt.home", folder.toString());
        try {
            assertUnfit(
                    "core file", "was built with ABI 3, needed is " + Descriptor.ABI, "make core KERNELS=" + RELEASE);
        } finally {
            System.setProperty("kmolt.home", HOME.toString());
        }
        run("doctor", "-t", TARGET).exits(0).says(TARGET + ": fit");
    }

    @Test
    @Order(7)
    void onlySignedModulesCanBeLoaded() throws Exception {
        // What the kernel says where nobody asks first. Were the signature not well-formed, it would be another error.
        SigningKey nobody = TestKeys.make(folder, "nobody");
        Path signed = Files.write(
                folder.resolve("kmolt.ko"), ModuleSignature.sign(Files.readAllBytes(CORE), nobody, "sha256"));
        guest("echo Y >/sys/module/module/parameters/sig_enforce");
        assertThat(guest("! insmod " + CORE + " 2>&1")).contains("Key was rejected by service");
        assertThat(guest("! insmod " + signed + " 2>&1")).contains("Key was rejected by service");
        assertThat(guest("dmesg"))
                .contains(
                        "Loading of unsigned module is rejected", "Loading of module with unavailable key is rejected");

        assertUnfit(
                "module signatures",
                "only signed modules can be loaded, and there is no key to sign with",
                "name a key that the kernel trusts with --sign-key");
        assertUnfit(
                "module signatures",
                "\"CN=nobody\" (" + nobody.id()
                        + ") is none of them: the kernel would say \"Key was rejected by service\"",
                "with Secure Boot: mokutil --import " + nobody.certificateFile(),
                "--sign-key",
                nobody.file());
    }

    @Test
    @Order(8)
    void aLockedDownKernelAsksForSignaturesToo() {
        guest("echo integrity >/sys/kernel/security/lockdown");
        assertUnfit(
                "module signatures",
                "only signed modules can be loaded, and there is no key to sign with",
                "boot without module.sig_enforce and lockdown= on the kernel command line, and with Secure Boot off");
        run("doctor", "-v", "-t", TARGET).exits(ExitCode.UNFIT).says("none [integrity] confidentiality");
    }

    @Test
    @Order(9)
    void moduleLoadingIsDisabled() {
        guest("echo 1 >/proc/sys/kernel/modules_disabled");
        run("doctor", "-t", TARGET)
                .exits(ExitCode.UNFIT)
                .says("kernel.modules_disabled is 1 until the next boot", "→ find who sets it (sysctl.d), and reboot");
        String before = state();
        run("swap", "-t", TARGET, "minix", NEW_MINIX).exits(ExitCode.UNFIT);
        assertThat(state()).isEqualTo(before);
    }

    @Test
    @Order(10)
    void aKeyThatCannotBeReadIsRefusedBeforeTheTargetIsAsked() {
        run("doctor", "-t", "lab:nobody", "--sign-key", folder.resolve("none.key"))
                .exits(ExitCode.UNFIT)
                .complains("cannot read the key " + folder.resolve("none.key") + ": there is no such file");
        run("swap", "-t", TARGET, "minix", NEW_MINIX, "--sign-cert", "x.der")
                .exits(ExitCode.USAGE)
                .complains("--sign-cert needs --sign-key");
    }

    /** The doctor says so, and so do a swap and a loading of editions, and nothing has changed. */
    private static void assertUnfit(String check, String found, String advice, Object... options) {
        run(words(options, "doctor", "-t", TARGET))
                .exits(ExitCode.UNFIT)
                .says(TARGET + ": unfit", check, found, "→ ", advice);
        String before = state();
        run(words(options, "swap", "-t", TARGET, "minix", NEW_MINIX))
                .exits(ExitCode.UNFIT)
                .complains(TARGET + " is unfit: " + check + ": ", found, advice);
        run(words(options, "edition", "load", "-t", TARGET, MEMINFO))
                .exits(ExitCode.UNFIT)
                .complains(TARGET + " is unfit: " + check + ": ", found, advice);
        assertThat(state()).isEqualTo(before);
    }

    private static Object[] words(Object[] more, Object... first) {
        Object[] all = Arrays.copyOf(first, first.length + more.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return all;
    }

    /** Users are counted of those that matter here: the consoles over which commands come are opened and closed. */
    private static String state() {
        return guest(
                "cut -d' ' -f1,2,5,6 /proc/modules; cat /sys/module/minix/refcnt /sys/module/kmolt/refcnt 2>/dev/null;"
                        + " ls -R /sys/kernel/kmolt 2>/dev/null;"
                        + " cut -d' ' -f1 /sys/kernel/tracing/enabled_functions");
    }

    private static String guest(String command) {
        return run("lab", "exec", NAME, "--", "sh", "-c", command).exits(0).out();
    }

    /** The core as it would be with another ABI, where {@code kmolt.home} has it if that is {@link #folder}. */
    private static Path buildCore(int abi) throws Exception {
        Path unpacked = KernelCache.ofUser().require(RELEASE).folder();
        Process build = new ProcessBuilder(
                        "sh",
                        "-ec",
                        "cp -r \"$1/kernel\" \"$1/scripts\" \"$2\";"
                                + " sed -i 's/^\\(#define KMOLT_ABI\\t\\).*/\\1'$3/ \"$2/kernel/kmolt_abi.h\";"
                                + " exec \"$2/scripts/build-core\" $4 \"$5\" \"$2/target/kernel/$4\"",
                        "build",
                        HOME.toString(),
                        folder.toString(),
                        "" + abi,
                        RELEASE,
                        unpacked.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(build.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(build.waitFor()).as(said).isZero();
        return folder.resolve("target/kernel/" + RELEASE + "/kmolt.ko");
    }

    private static int indexOf(byte[] bytes, byte[] part) {
        for (int i = 0; i + part.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
                return i;
            }
        }
        throw new AssertionError("not found");
    }
}
