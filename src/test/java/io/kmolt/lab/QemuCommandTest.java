package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class QemuCommandTest {
    private static String kernelCommandLine(LabOptions options, boolean kvm, OptionalLong hostTsc) {
        Kernel kernel = new Kernel("6.1.0-56-amd64", Path.of("/kernels/6.1.0-56-amd64"));
        List<String> argv =
                new QemuCommand(options, kernel, Path.of("/image"), Path.of("/run/guest"), kvm, hostTsc).argv();
        return " " + argv.get(argv.indexOf("-append") + 1) + " ";
    }

    @Test
    void anEmulatedGuestIsToldHowFastItsCounterRuns() {
        assertThat(kernelCommandLine(LabOptions.defaults(), false, OptionalLong.of(2_100_003)))
                .contains(" tsc_early_khz=2100003 ");
        assertThat(kernelCommandLine(LabOptions.defaults(), false, OptionalLong.empty()))
                .doesNotContain("tsc_early_khz");
    }

    @Test
    void whereInstructionsAreCountedAnInstructionTakesANanosecond() {
        assertThat(kernelCommandLine(LabOptions.defaults().withIcount(), false, OptionalLong.of(2_100_003)))
                .contains(" tsc_early_khz=1000000 ")
                .doesNotContain("2100003");
    }

    @Test
    void kvmTellsItsGuestsItself() {
        assertThat(kernelCommandLine(LabOptions.defaults(), true, OptionalLong.empty()))
                .doesNotContain("tsc_early_khz");
    }

    @Test
    void wordsOfTheCallerComeLastAndWin() {
        assertThat(kernelCommandLine(LabOptions.defaults().withAppend("quiet one=1"), false, OptionalLong.of(1)))
                .endsWith(" quiet one=1 ");
    }
}
