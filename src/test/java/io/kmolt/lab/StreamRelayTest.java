package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StreamRelayTest {
    @ParameterizedTest
    @CsvSource({
        "hello^END,            hello,           true",
        "^END,                 '',              true",
        "a^EN^ENDrest,         a^EN,            true",
        "^^^E^EN^END,          ^^^E^EN,         true",
        "no marker,            no marker,       false",
        "cut short^EN,         cut short^EN,    false",
        "'',                   '',              false",
    })
    void everythingBeforeTheMarkerPasses(String input, String output, boolean found) throws IOException {
        for (int chunk = 1; chunk <= 8; chunk++) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            boolean marked =
                    new StreamRelay("^END".getBytes(US_ASCII)).copy(chunked(input.getBytes(US_ASCII), chunk), out);
            assertThat(out.toString(US_ASCII)).as("chunks of %d", chunk).isEqualTo(output);
            assertThat(marked).isEqualTo(found);
        }
    }

    private static InputStream chunked(byte[] content, int chunk) {
        return new ByteArrayInputStream(content) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                return super.read(buffer, offset, Math.min(length, chunk));
            }
        };
    }
}
