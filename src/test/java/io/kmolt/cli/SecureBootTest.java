package io.kmolt.cli;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.lab.NamedGuests;
import io.kmolt.sign.ModuleSignature;
import io.kmolt.sign.SigningKey;
import io.kmolt.sign.TestKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A stock kernel that its firmware has booted with Secure Boot on: it is locked down, loads signed modules only, and
 * trusts a key that the firmware has.
 */
@Tag("lab")
@Tag("stock")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SecureBootTest {
    private static final String RELEASE = Corpus.BOOKWORM_BEFORE;
    private static final String NAME = "secure-test-" + ProcessHandle.current().pid();
    private static final String TARGET = "lab:" + NAME;
    private static final Path HOME = Path.of(System.getProperty("kmolt.home", "."));
    private static final Path NEW_MINIX = Corpus.module(Corpus.BOOKWORM, "minix");
    private static final Path MEMINFO = HOME.resolve("target/editions/" + RELEASE + "/meminfo.ko");
    private static final Path CORE = HOME.resolve("target/kernel/" + RELEASE + "/kmolt.ko");

    /** The guest sees it. */
    @TempDir
    static Path folder;

    private static Path key = Path.of("");
    private static Path certificate = Path.of("");

    @BeforeAll
    static void boot() throws Exception {
        run("lab", "start", NAME, "--secure-boot", "--kernel", RELEASE, "--share", folder)
                .exits(0)
                .says("loads what is signed with: --sign-key ");
        try (var guest = NamedGuests.ofUser().attach(NAME)) {
            List<Path> trusted = guest.secureBootKey().orElseThrow();
            key = trusted.getFirst();
            certificate = trusted.getLast();
        }
        guest("modprobe minix");
    }

    @AfterAll
    static void stop() {
        run("lab", "stop", NAME).exits(0);
    }

    @Test
    @Order(1)
    void theGuestIsWhatItIsMeantToBe() {
        assertThat(guest("cat /sys/kernel/security/lockdown /sys/module/module/parameters/sig_enforce"))
                .isEqualTo("none [integrity] confidentiality\nY\n");
        assertThat(guest("dmesg")).contains("secureboot: Secure boot enabled");
    }

    @Test
    @Order(2)
    void withoutAKeyThatItTrustsNothingIsLoaded() throws Exception {
        String[] no = {TARGET + " is unfit: module signatures: only signed modules can be loaded", "--sign-key"};
        run("doctor", "-t", TARGET).exits(ExitCode.UNFIT).says("only signed modules can be loaded", "--sign-key");
        run("swap", "-t", TARGET, "minix", NEW_MINIX).exits(ExitCode.UNFIT).complains(no);
        SigningKey nobody = TestKeys.make(folder, "nobody");
        run("doctor", "-t", TARGET, "--sign-key", nobody.file())
                .exits(ExitCode.UNFIT)
                .says("Key was rejected by service", "mokutil --import " + nobody.certificateFile());
        run("swap", "-t", TARGET, "minix", NEW_MINIX, "--sign-key", nobody.file())
                .exits(ExitCode.UNFIT)
                .complains("Key was rejected by service", "mokutil --import " + nobody.certificateFile());
        assertThat(guest("cut -d' ' -f1 /proc/modules")).doesNotContain("kmolt");
    }

    @Test
    @Order(3)
    void theKernelVerifiesWhatIsSigned() throws Exception {
        byte[] signed = ModuleSignature.sign(
                Files.readAllBytes(CORE), SigningKey.read(key, Optional.of(certificate)), "sha256");
        signed[1000] ^= 1;
        Path changed = Files.write(folder.resolve("changed.ko"), signed);
        assertThat(guest("! insmod " + changed + " 2>&1")).contains("Key was rejected by service");
        assertThat(guest("cut -d' ' -f1 /proc/modules")).doesNotContain("kmolt");
    }

    /** kmolt runs in the guest, where the key is what a machine owner's is, and is not told of it. */
    @Test
    @Order(4)
    void theMachineOwnersKeyOfTheMachineItselfIsEnough() {
        guest("mkdir -p /var/lib/dkms && cp %s /var/lib/dkms/mok.key && cp %s /var/lib/dkms/mok.pub"
                .formatted(key, certificate));
        assertThat(guest("kmolt doctor -v")).contains("enforced; the kernel has the key ");
        assertThat(guest("kmolt swap minix " + NEW_MINIX)).contains("minix: kmolt_minix_", " answers now");
        assertThat(guest("kmolt revert minix")).contains("the base answers again");
        guest("rmmod minix && rmmod kmolt && modprobe minix; rm /var/lib/dkms/mok.*");
    }

    @Test
    @Order(5)
    void withItsKeyEverythingWorks() {
        assertThatEverythingWorks();
    }

    @Test
    @Order(6)
    void andInTheOtherModeOfLockdownToo() {
        guest("rmmod minix && rmmod kmolt && modprobe minix");
        guest("echo confidentiality >/sys/kernel/security/lockdown");
        assertThatEverythingWorks();
        assertThat(guest("cat /sys/kernel/security/lockdown")).isEqualTo("none integrity [confidentiality]\n");
    }

    private static void assertThatEverythingWorks() {
        signing("doctor", "-t", TARGET).exits(0).says(TARGET + ": fit");
        signing("doctor", "-v", "-t", TARGET).says("enforced; the kernel has the key ");
        signing("swap", "-t", TARGET, "minix", NEW_MINIX).exits(0).says("minix: kmolt_minix_", " answers now");
        // O: from outside; an E beside it would say that a module was not signed.
        assertThat(guest("cat /sys/module/kmolt/taint /sys/module/kmolt_minix_*/taint"))
                .isEqualTo("O\nO\n");
        run("revert", "-t", TARGET, "minix").exits(0).says("the base answers again");
        signing("edition", "load", "-t", TARGET, MEMINFO).exits(0);
        signing("route", "-t", TARGET, "meminfo_proc_show", "1").exits(0);
        assertThat(guest("cat /proc/meminfo >/dev/null; cat /sys/kernel/kmolt/editions/meminfo/*/1/hits"))
                .isEqualTo("1\n");
        signing("edition", "unload", "-t", TARGET, "meminfo").exits(0);
        run("lab", "list").exits(0).says(NAME).doesNotSay("complaining");
    }

    private static CliRun signing(Object... words) {
        Object[] all = java.util.Arrays.copyOf(words, words.length + 4);
        all[words.length] = "--sign-key";
        all[words.length + 1] = key;
        all[words.length + 2] = "--sign-cert";
        all[words.length + 3] = certificate;
        return run(all);
    }

    private static String guest(String command) {
        return run("lab", "exec", NAME, "--", "sh", "-c", command).exits(0).out();
    }
}
