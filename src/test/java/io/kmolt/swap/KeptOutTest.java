package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.target.ModuleLoadException;
import java.nio.file.Files;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code kmolt.enable=0} on a kernel's command line keeps the core out. */
@Tag("lab")
class KeptOutTest {
    @Test
    void aKernelThatWasBootedWithoutKmoltStaysWithout() throws Exception {
        try (SwapGuest guest = SwapGuest.boot("kmolt.enable=0")) {
            guest.sh("modprobe minix");
            assertThat(Doctor.examine(guest.target()).firstUnfit().orElseThrow())
                    .isEqualTo(Check.unfit(
                            "kept out",
                            "kmolt.enable=0 is on the kernel command line",
                            "boot without it to use kmolt here"));
            SwapException no = guest.refusal("minix", SwapGuest.stock("minix"));
            assertThat(no.kind()).isEqualTo(SwapException.Kind.UNFIT);
            assertThat(no)
                    .hasMessageContaining("kmolt.enable=0 is on the kernel command line")
                    .hasMessageContaining("boot without it");
            // Nor does it come in by hand.
            byte[] core = Files.readAllBytes(Core.file(SwapGuest.RUNNING));
            assertThatThrownBy(() -> guest.target().insertModule(core, "kmolt", ""))
                    .isInstanceOf(ModuleLoadException.class)
                    .hasMessageContaining("kept out by kmolt.enable=0");
            assertThat(guest.isLoaded("kmolt")).isFalse();
            assertThat(guest.target().exists("/sys/kernel/kmolt")).isFalse();
        }
    }
}
