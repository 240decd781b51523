package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.link.Descriptor;
import io.kmolt.swap.Check.State;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is made of a target's answers. */
class DoctorTest {
    private static final BuiltCore CORE = new BuiltCore("kmolt.ko", "abcd", "");
    private static final String NOTE = "04000000140000000300000047 4e5500".replace(" ", "");
    private static final String HEALTHY = """
            release 6.1.0-56-amd64
            machine x86_64
            uid 0
            lockdown [none] integrity confidentiality
            lsm lockdown,capability
            sig_enforce N
            modules_disabled 0
            kptr_restrict 0
            ftrace_enabled 1
            cmdline BOOT_IMAGE=/vmlinuz quiet
            address 0xffffffffc0000000
            rmmod yes
            direct
            features_from /boot/config-6.1.0-56-amd64
            features UNWINDER_ORC DYNAMIC_FTRACE_WITH_ARGS DYNAMIC_FTRACE_WITH_DIRECT_CALLS LIVEPATCH KPROBES MODULE_UNLOAD
            """;

    private static List<Check> notOk(String answers, BuiltCore core) {
        return Doctor.checks(Vitals.parse(answers), core, Optional.empty()).stream()
                .filter(c -> c.state() != State.OK)
                .toList();
    }

    @Test
    void nothingIsSaidAgainstAHealthyTarget() {
        assertThat(notOk(HEALTHY, CORE)).isEmpty();
        assertThat(Diagnosis.of("x", Doctor.checks(Vitals.parse(HEALTHY), CORE, Optional.empty()))
                        .fit())
                .isTrue();
    }

    @Test
    void bothKernelsOfDebian12AreFit() {
        assertThat(notOk(HEALTHY.replaceFirst("release .*", "release 6.12.117+deb12-amd64"), CORE))
                .isEmpty();
    }

    /** Each line replaces what the healthy target says; a value of - takes it away. */
    @ParameterizedTest
    @CsvSource({
        "release, 6.18.9+deb13-amd64, kernel, is not supported",
        "release, 5.10.0-1-amd64, kernel, is not supported",
        "realtime, 1, kernel, is a real-time kernel",
        "machine, aarch64, architecture, aarch64",
        "uid, 1000, root, user 1000",
        "lockdown, none [integrity] confidentiality, module signatures, only signed modules",
        "lockdown, none integrity [confidentiality], module signatures, only signed modules",
        "sig_enforce, Y, module signatures, only signed modules",
        "modules_disabled, 1, module loading, modules_disabled is 1",
        "address, 0x0000000000000000, addresses, hides addresses",
        "ftrace_enabled, 0, ftrace, ftrace_enabled is 0",
        "ftrace_enabled, -, ftrace, no function tracing",
        "cmdline, quiet kmolt.enable=0, kept out, kmolt.enable=0",
        "features, LIVEPATCH, kernel features, CONFIG_UNWINDER_ORC",
        "rmmod, -, rmmod, missing",
        "core_abi, 3, core, loaded with ABI 3",
        "core_abi, " + Descriptor.ABI + ", core, another build of it"
    })
    void oneThingWrongMakesItUnfit(String question, String answer, String check, String found) {
        String others = HEALTHY.replaceAll("(?m)^" + question + " .*\\n", "");
        List<Check> no = notOk(answer.equals("-") ? others : others + question + " " + answer + "\n", CORE);
        assertThat(no).singleElement().satisfies(c -> {
            assertThat(c.name()).isEqualTo(check);
            assertThat(c.state()).isEqualTo(State.UNFIT);
            assertThat(c.found()).contains(found);
            assertThat(c.advice()).isNotEmpty();
        });
    }

    @Test
    void aWordThatOnlyBeginsLikeItDoesNotKeepTheCoreOut() {
        assertThat(notOk(HEALTHY + "cmdline kmolt.enable=01\n", CORE)).isEmpty();
    }

    @Test
    void featuresAreToldBySymbolsWhereThereIsNoConfig() {
        String others = HEALTHY.replaceAll("(?m)^features.*\\n", "") + "features_from /proc/kallsyms\n";
        String symbols = "symbols unwind_module_init ftrace_regs_caller register_ftrace_direct_multi klp_enable_patch"
                + " register_kprobe __x64_sys_delete_module\n";
        assertThat(notOk(others + symbols, CORE)).isEmpty();
        assertThat(notOk(others + symbols.replace("klp_enable_patch", ""), CORE))
                .extracting(Check::found)
                .containsExactly("missing: CONFIG_LIVEPATCH (/proc/kallsyms)");
    }

    @Test
    void theCoreThatIsLoadedMustBeTheOneThatWasBuilt() {
        String loaded = HEALTHY + "core_abi " + Descriptor.ABI + "\ncore_owner none\ncore_note " + NOTE;
        assertThat(notOk(loaded + "abcd\n", CORE)).isEmpty();
        assertThat(notOk(loaded + "1234\n", CORE)).extracting(Check::name).containsExactly("core");
    }

    @Test
    void aCoreThatIsNotBuiltMakesItUnfit() {
        assertThat(notOk(HEALTHY, new BuiltCore("", "", "there is no core for it")))
                .containsExactly(new Check(
                        "core file", State.UNFIT, "there is no core for it", "make core KERNELS=6.1.0-56-amd64"));
    }

    @Test
    void anotherKmoltAtWorkIsAWarning() {
        String loaded = HEALTHY + "core_abi " + Descriptor.ABI + "\ncore_owner 42 java\ncore_note " + NOTE + "abcd\n";
        assertThat(notOk(loaded, CORE))
                .containsExactly(new Check(
                        "other kmolt", State.WARNING, "one is at work: pid 42 (java)", "wait until it is done"));
    }
}
