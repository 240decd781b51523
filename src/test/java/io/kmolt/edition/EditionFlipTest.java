package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.swap.LoadRun;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Both ends of busy pipes go from edition to edition and back, in both ways that a kernel can preempt. */
@Tag("lab")
@ParameterizedClass
@ValueSource(strings = {"voluntary", "full"})
class EditionFlipTest {
    private static final int FLIPS = Integer.getInteger("kmolt.flips", 2000);
    private static final int CHANGES = 16;
    /** Of each function in flips.c. */
    private static final int EDITIONS = 8;

    private static final String GO = "switch(\"go\") ? 1 : 0";
    private static final int WITNESS = 4242;
    private static final Duration TO_FOLLOW = Duration.ofSeconds(30);

    private static @Nullable BusyGuest guest;

    @TempDir
    private Path folder = Path.of("");

    @Parameter
    private String preempt = "";

    @BeforeParameterizedClassInvocation
    static void boot(String preempt) throws IOException {
        guest = BusyGuest.boot("preempt=" + preempt);
    }

    @AfterParameterizedClassInvocation
    static void stop() throws IOException {
        guest().close();
    }

    private static BusyGuest guest() {
        return Objects.requireNonNull(guest);
    }

    @Test
    void busyPipesFlipBetweenOriginalsAndEditionsThousandsOfTimes() throws Exception {
        assertThat(guest().sh("cat /sys/kernel/debug/sched/preempt")).contains("(" + preempt + ")");
        try (LoadRun load = guest().pipeLoad()) {
            guest().load(BusyGuest.build("flips", folder));
            flipASwitch(load);
            try (HeldSession held = HeldSession.open(guest(), "flips")) {
                changeRoutes(held);
                assertThatEveryCallWasCounted(held);
                held.unload();
            }
            load.goesOn();
            load.finish();
        }
        guest().assertNothingLeft();
    }

    private static void flipASwitch(LoadRun load) throws Exception {
        guest().route("pipe_read", GO, "pipe_write", GO);
        long[] before = hits();
        long begin = System.nanoTime();
        // Pauses, after an odd number of flips, so that there is something between them, either way.
        assertThat(guest().sh(
                                "exec 3<>/dev/kmolt; n=0; while [ $n -lt %d ]; do n=$((n + 1)); echo switch go $((n %% 2)) >&3 || exit 1; [ $((n %% 25)) != 0 ] || sleep 0.05; done; cat <&3"
                                        .formatted(FLIPS)))
                .matches("switch go 0 [0-9a-f]+\nok");
        System.out.printf("%d flips in %.1f s%n", FLIPS, (System.nanoTime() - begin) / 1e9);
        assertThat(guest().guest().logged("kmolt: switch go set to 1, ")).isEqualTo(FLIPS / 2);
        long[] after = hits();
        System.out.println("calls meanwhile, of pipe_read and pipe_write, originals first: " + Arrays.toString(after));
        for (int i = 0; i < after.length; i++) {
            assertThat(after[i] - before[i]).as("hits %d", i).isGreaterThan(100);
        }
        load.goesOn();
        // It reads 0: nobody comes to the editions.
        long[] still = hits();
        load.goesOn();
        assertThat(hits()[1]).isEqualTo(still[1]);
        assertThat(hits()[3]).isEqualTo(still[3]);
        assertThat(hits()[0]).isGreaterThan(still[0]);
    }

    /** Of pipe_read 0 and 1, and of pipe_write 0 and 1. */
    private static long[] hits() throws IOException {
        return new long[] {
            guest().hits("flips", "pipe_read", 0),
            guest().hits("flips", "pipe_read", 1),
            guest().hits("flips", "pipe_write", 0),
            guest().hits("flips", "pipe_write", 1)
        };
    }

    private static void changeRoutes(HeldSession held) throws Exception {
        held.send("switch go 1");
        guest().sh("/usr/bin/setpriv --reuid=%d --regid=0 --clear-groups perl -e".formatted(WITNESS)
                + " 'pipe(R, W); while (1) { syswrite(W, \"x\"); sysread(R, my $b, 1); }' >/dev/null 2>&1 &"
                + " echo $! >/run/witness");
        long begin = System.nanoTime();
        for (int change = 0; change < CHANGES; change++) {
            held.route("uid == %d ? %d : switch(\"go\") ? %d : 0"
                    .formatted(WITNESS, change % EDITIONS + 1, change % 3 + 1));
            awaitWitness(change % EDITIONS + 1);
        }
        System.out.printf("%d changes of routes in %.1f s%n", CHANGES, (System.nanoTime() - begin) / 1e9);
        guest().sh("kill $(cat /run/witness)");
        assertThat(guest().number("flips", "steps")).isEqualTo(CHANGES - 1);
        assertThat(guest().number("flips", "astray")).isZero();
        for (int number = 1; number <= EDITIONS; number++) {
            assertThat(guest().hits("flips", "pipe_read", number))
                    .as("reads by %d", number)
                    .isPositive();
            assertThat(guest().hits("flips", "pipe_write", number))
                    .as("writes by %d", number)
                    .isPositive();
        }
    }

    /** The witness has got to that edition. */
    private static void awaitWitness(int number) throws Exception {
        long begin = System.nanoTime();
        while (guest().number("flips", "last") != number) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TO_FOLLOW);
            Thread.sleep(50);
        }
    }

    private static void assertThatEveryCallWasCounted(HeldSession held) throws Exception {
        held.route("0");
        assertThat(guest().number("flips", "reads")).isEqualTo(inEditions("pipe_read"));
        assertThat(guest().number("flips", "writes")).isEqualTo(inEditions("pipe_write"));
    }

    private static long inEditions(String function) throws IOException {
        long sum = 0;
        for (int number = 1; number <= EDITIONS; number++) {
            sum += guest().hits("flips", function, number);
        }
        return sum;
    }
}
