package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.CommandResult;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The modules that other tests measure with: their figures mean nothing unless these are exact. */
@Tag("lab")
@Tag("stock")
class EditionFixturesTest {
    @Test
    void whereInstructionsAreCountedACallCostsExactlyWhatItShould() throws IOException {
        assertThat(Fixtures.editions("kmolt_cost")).isNotEmptyFile();
        try (Guest guest = Lab.start(LabOptions.defaults().withIcount())) {
            CommandResult result = guest.target()
                    .run(System.getProperty("kmolt.home") + "/tests/editions/check 2>&1", Duration.ofMinutes(5));
            System.out.print(result.stdout());
            assertThat(result.status()).isZero();
            assertThat(result.stdout()).endsWith("all ok\n");
            assertThat(guest.kernelWarnings()).isEmpty();
        }
    }
}
