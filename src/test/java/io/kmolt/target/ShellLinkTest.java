package io.kmolt.target;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.ShellLink.Frame;
import io.kmolt.target.ShellLink.Request;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ShellLinkTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(30);

    private final PipedOutputStream shell = new PipedOutputStream();
    private final ShellLink link = new ShellLink(
            "test", new PipedInputStream(shell), OutputStream.nullOutputStream(), () -> {}, () -> Epitaph.NONE);

    ShellLinkTest() throws IOException {}

    private void says(String text) throws IOException {
        shell.write(text.getBytes(US_ASCII));
        shell.flush();
    }

    @Test
    void aFrameOfWhichOnlyABeginningHasComeInTimeCanBeWaitedForAgain() throws Exception {
        Request request = link.next();
        says("noise\036<%s\nda".formatted(request.id()));
        assertThat(link.await(request, SHORT)).isNull();
        says("ta\n\036|%1$s\nmore\036>%1$s 7\n".formatted(request.id()));
        Frame frame = Objects.requireNonNull(link.await(request, LONG));
        assertThat(frame.text()).isEqualTo("data\n");
        assertThat(frame.moreText()).isEqualTo("more");
        assertThat(frame.status()).isEqualTo(7);
    }

    @Test
    void whatComesBetweenFramesIsSkipped() throws Exception {
        Request late = link.next();
        Request request = link.next();
        says("\036<%1$s\nlate\036>%1$s 0\nnoise".formatted(late.id()));
        says("\036<%1$s\nright\036>%1$s 0\n".formatted(request.id()));
        assertThat(Objects.requireNonNull(link.await(request, LONG)).text()).isEqualTo("right");
    }
}
