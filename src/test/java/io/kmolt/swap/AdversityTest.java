package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.target.CommandResult;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What else happens to a machine: others who load, unload and swap, damaged descriptors, no memory. */
@Tag("lab")
class AdversityTest {
    private static final int ROUNDS = 4;
    private static final int FUZZED = 60;

    // struct kmolt_update, as docs/abi.md lays it out.
    private static final int ABI = 8;
    private static final int SIZE = 12;
    private static final int FLAGS = 16;
    private static final int BOOT_ID = 24;
    private static final int BASE = 88;
    private static final int FROM = 152;
    private static final int BASE_ADDRESS = 216;
    private static final int BASE_SIZE = 224;
    private static final int BASE_LOAD = 232;
    private static final int BASE_NOTE = 240;
    private static final int BASE_BUILD_ID = 248;
    private static final int BUILD_ID = 268;
    private static final int VERSION = 288;
    private static final int EXIT = 416;
    private static final int N_SLOTS = 440;
    private static final int N_REDIRECTS = 456;
    private static final int N_WAYS = 472;
    private static final int N_COMMIT = 488;
    private static final int N_RECKONED = 520;
    private static final int SLOTS = 528;
    private static final int SLOT_SIZE = 32;
    private static final int SLOT_FLAGS = 24;

    // struct kmolt_way
    private static final int WAY_FLAGS = 64;
    private static final int WAY_N_HOME = 80;
    private static final int WAY_N_RANGES = 96;
    private static final int WAY_SIZE = 104;

    private static @Nullable SwapGuest guest;

    @TempDir
    private Path folder;

    @BeforeAll
    static void boot() throws Exception {
        guest = SwapGuest.boot("preempt=full");
        guest().sh("modprobe -a minix jbd2 loop; insmod " + greeter("v1"));
        Core.load(guest().target(), SwapGuest.RUNNING);
    }

    @AfterAll
    static void stop() throws IOException {
        guest().close();
    }

    private static SwapGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path greeter(String version) {
        return SwapGuest.fixture("greeter", version);
    }

    @AfterEach
    void nothingIsLeftAndTheKernelHasNoComplaint() throws IOException {
        guest().sh("rmmod minix && modprobe minix");
        assertThat(guest().modules("minix")).containsExactly("minix");
        assertThat(guest().sh("cat /sys/kernel/kmolt/owner")).isEqualTo("none");
        guest().assertQuiet();
    }

    private Update update() throws Exception {
        return Update.link(guest(), "minix", SwapGuest.fixture("minix", "a"), folder);
    }

    /** On the debug kernel the build is refused: code stores the address of start_this_handle there. */
    @Tag("stock")
    @Test
    void anImporterMayComeAndGoMeanwhile() throws Exception {
        guest().sh("(while [ ! -e /run/enough ]; do modprobe ext4; rmmod ext4; echo x >>/run/rounds; done)"
                + " >/dev/null 2>&1 &");
        for (int round = 0; round < ROUNDS; round++) {
            guest().swap("jbd2", SwapGuest.fixture("jbd2", round % 2 == 0 ? "a" : "b"));
            guest().revert("jbd2");
        }
        guest().sh("touch /run/enough; sleep 1; for i in $(seq 50); do rmmod ext4 2>/dev/null; [ -e /sys/module/ext4 ]"
                + " || break; sleep 0.1; done; rmmod jbd2");
        assertThat(Integer.parseInt(guest().sh("wc -l </run/rounds"))).isGreaterThan(1);
        assertThat(guest().modules("jbd2")).isEmpty();
    }

    @Test
    void aBaseOfAStagedEditionIsInUseAndWhenItIsForcedOutTheEditionGoesWithIt() throws Exception {
        Update update = update();
        try (CoreSession session = CoreSession.open(guest().target())) {
            guest().target().insertModule(update.image(), update.name(), "");
            assertThat(session.send("stage " + update.name()).isOk()).isTrue();
            CommandResult no = guest().attempt("/sbin/rmmod minix");
            assertThat(no.ok()).isFalse();
            assertThat(no.stderr()).contains("minix is in use");

            guest().sh("/sbin/rmmod -f minix");
            assertThat(guest().modules("minix")).isEmpty();
            Reply reply = session.send("commit " + update.name());
            assertThat(reply.error()).isEqualTo("unknown");
            assertThat(reply.message()).isEqualTo("there is no such edition");
        }
        guest().sh("modprobe minix");
        guest().swap("minix", SwapGuest.fixture("minix", "a"));
    }

    @Test
    void aBaseThatIsForcedOutTakesBackWhatAHookHasPrepared() throws Exception {
        Update update = Update.link(guest(), "greeter", greeter("hooked"), folder, SwapGuest.withBase(greeter("v1")));
        try (CoreSession session = CoreSession.open(guest().target())) {
            guest().target().insertModule(update.image(), update.name(), "");
            assertThat(session.send("stage " + update.name()).isOk()).isTrue();
            guest().sh("cat /proc/greeter-archive");
            guest().sh("/sbin/rmmod -f greeter; ! test -e /proc/greeter-archive");
            assertThat(guest().modules("greeter")).isEmpty();
        }
        guest().sh("insmod " + greeter("v1"));
    }

    /** The editions go in the course of its system call, in which it can no longer start anything. */
    @Test
    void whoUnloadsABaseMayBeKilledMeanwhile() throws Exception {
        for (int build = 0; build < 3; build++) {
            guest().swap("minix", SwapGuest.fixture("minix", build % 2 == 0 ? "a" : "b"));
        }
        guest().sh("rmmod minix & sleep 0.2; kill -KILL $!; for i in $(seq 300); do [ -e /sys/module/minix ] || break;"
                + " sleep 0.1; done; ! test -e /sys/module/minix");
        assertThat(guest().modules("minix")).isEmpty();
        assertThat(guest().logged("it stays, detached")).isZero();
        guest().sh("modprobe minix");
    }

    @Test
    void twoModulesAreSwappedByTwoUsersAtOnce() throws Exception {
        // Each of them finds that the core is not loaded yet.
        guest().sh("rmmod kmolt");
        // The first one does not go on before it was seen to keep the other one out.
        CountDownLatch refused = new CountDownLatch(1);
        Progress waits = step -> {
            if (step.startsWith("staging")) {
                await(refused);
            }
        };
        CompletableFuture<Integer> one =
                user("minix", SwapGuest.fixture("minix", "a"), SwapGuest.options(), waits, () -> {});
        CompletableFuture<Integer> other =
                user("greeter", greeter("v2"), SwapGuest.withBase(greeter("v1")), Progress.NONE, refused::countDown);
        System.out.printf("refused while another one was at work: %d and %d times%n", one.get(), other.get());
        assertThat(other.get()).isPositive();
        assertThat(Journal.read(guest().target()).entries())
                .isNotEmpty()
                .noneMatch(entry -> entry.get("outcome").equals("interrupted"));
        assertThat(guest().current("minix")).isEqualTo("base");
        assertThat(guest().sh("head -n 1 /proc/greeter")).isEqualTo("greeter 1");
    }

    /** Swaps and reverts over a shell of his own; returns how often another one was at work. */
    private static CompletableFuture<Integer> user(
            String module, Path build, SwapOptions options, Progress progress, Runnable whenRefused) {
        Supplier<Integer> changes = () -> {
            try (Target shell = guest().guest().openShell()) {
                int refused = 0;
                for (int round = 0; round < ROUNDS; round++) {
                    refused += insist(() -> Swap.run(shell, module, build, options, progress), whenRefused);
                    refused += insist(() -> Revert.run(shell, module, Limits.DEFAULT, Progress.NONE), whenRefused);
                }
                return refused;
            } catch (IOException | SwapException | InterruptedException e) {
                throw new CompletionException(e);
            }
        };
        // The common pool may have one thread only, which would let them come one after the other.
        return CompletableFuture.supplyAsync(
                changes, task -> Thread.ofPlatform().daemon().start(task));
    }

    private interface Change {
        void make() throws IOException, SwapException;
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(2, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int insist(Change change, Runnable whenRefused)
            throws IOException, SwapException, InterruptedException {
        for (int refused = 0; ; refused++) {
            try {
                change.make();
                return refused;
            } catch (SwapException e) {
                // Or it was at work between the look at what answers and the load: then link again.
                String why = String.valueOf(e.getMessage());
                boolean other = why.contains("another kmolt is at work") || why.contains("is loaded already");
                if (!other || refused > 100) {
                    throw e;
                }
                whenRefused.run();
                Thread.sleep(50);
            }
        }
    }

    @Test
    void withHardlyAnyMemoryLeftASwapSucceedsOrIsRefused() throws Exception {
        guest().sh("mkdir -p /run/full; /bin/mount -t tmpfs -o size=100% tmpfs /run/full;"
                + " free=$(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo);"
                + " head -c $(((free - 40000) * 1024)) /dev/zero >/run/full/file");
        try {
            for (int round = 0; round < ROUNDS; round++) {
                try {
                    guest().swap("minix", SwapGuest.fixture("minix", "b"));
                    guest().revert("minix");
                } catch (AssertionError e) {
                    assertThat(e.getCause()).isInstanceOf(SwapException.class);
                    assertThat(e).hasMessageContaining("emory");
                }
            }
        } finally {
            guest().sh("/bin/umount /run/full");
        }
        guest().swap("minix", SwapGuest.fixture("minix", "b"));
    }

    // Descriptors.

    private static byte[] damaged(byte[] image, Consumer<ByteBuffer> damage) {
        byte[] damaged = image.clone();
        ByteBuffer magic = ByteBuffer.wrap(new byte[] {'k', 'm', 'o', 'l', 't', '\n', 0, 0});
        int at = 0;
        while (!ByteBuffer.wrap(damaged, at, magic.capacity()).equals(magic)) {
            at++;
        }
        damage.accept(ByteBuffer.wrap(damaged, at, damaged.length - at).slice().order(ByteOrder.LITTLE_ENDIAN));
        return damaged;
    }

    private static Consumer<ByteBuffer> text(int at, String text) {
        return it -> it.put(at, text.getBytes(StandardCharsets.US_ASCII));
    }

    private static int redirects(ByteBuffer it) {
        return SLOTS + (int) it.getLong(N_SLOTS) * SLOT_SIZE;
    }

    private static int commitRanges(ByteBuffer it) {
        return redirects(it) + (int) it.getLong(N_REDIRECTS) * 16;
    }

    /** The only one of an update that was linked on the base. */
    private static int way(ByteBuffer it) {
        return commitRanges(it) + (int) it.getLong(N_COMMIT) * 16;
    }

    private static int home(ByteBuffer it) {
        return way(it) + WAY_SIZE;
    }

    private static int end(ByteBuffer it) {
        return home(it) + (int) (it.getLong(way(it) + WAY_N_HOME) + it.getLong(way(it) + WAY_N_RANGES)) * 16;
    }

    private static Map<Consumer<ByteBuffer>, String> damages() {
        SequencedMap<Consumer<ByteBuffer>, String> damages = new LinkedHashMap<>();
        String malformed = "a text is malformed";
        String otherLoad = "it was linked for another load of its base";
        String otherBuild = "it was linked for another build of its base";
        String noArray = "an array is not in the update module";
        String noWay = "its ways do not lead to what it was linked on";
        String noWord = "a slot is not a word of the base's data";
        damages.put(it -> it.putLong(0, 4711), "this is not a descriptor");
        damages.put(it -> it.putInt(SIZE, 512), "this is not a descriptor");
        damages.put(it -> it.putInt(ABI, 3), "it was linked for another version of the core");
        damages.put(text(BOOT_ID, "x"), "it was linked for another boot");
        damages.put(text(BOOT_ID, "x".repeat(64)), malformed);
        damages.put(text(BASE, "x".repeat(64)), malformed);
        damages.put(text(FROM, "x".repeat(64)), malformed);
        damages.put(text(VERSION, "x".repeat(64)), malformed);
        damages.put(text(VERSION, "1\n2\0"), malformed);
        damages.put(it -> it.putLong(FLAGS, 1L << 40), "it has a flag that this core does not know");
        damages.put(text(BASE, "nobody\0"), "module nobody is not loaded, or on its way out");
        damages.put(text(BASE, "loop\0"), otherLoad);
        damages.put(text(FROM, "another\0"), "it was linked while \"another\" answered for minix, now \"\" does");
        damages.put(it -> it.putLong(BASE_ADDRESS, it.getLong(BASE_ADDRESS) + 4096), otherLoad);
        damages.put(it -> it.putLong(BASE_SIZE, it.getLong(BASE_SIZE) - 1), otherLoad);
        damages.put(it -> it.putLong(BASE_LOAD, it.getLong(BASE_LOAD) + 1), otherLoad);
        damages.put(it -> it.putLong(BASE_LOAD, 0), otherLoad);
        damages.put(it -> it.putLong(BASE_NOTE, 0), otherBuild);
        damages.put(it -> it.putLong(BASE_NOTE, -8), otherBuild);
        damages.put(it -> it.put(BASE_BUILD_ID, (byte) ~it.get(BASE_BUILD_ID)), otherBuild);
        for (int count : new int[] {N_SLOTS, N_REDIRECTS, N_WAYS, N_COMMIT, N_RECKONED}) {
            damages.put(it -> it.putLong(count, 1L << 60), noArray);
            damages.put(it -> it.putLong(count, 1_000_000), noArray);
        }
        damages.put(it -> it.putLong(SLOTS, it.getLong(SLOTS) + 4), noWord);
        damages.put(it -> it.putLong(SLOTS, it.getLong(BASE_ADDRESS)), noWord);
        damages.put(it -> it.putLong(SLOTS, 8), noWord);
        damages.put(it -> it.putLong(SLOTS + SLOT_FLAGS, 4), "a slot has a flag that this core does not know");
        damages.put(it -> it.putLong(SLOTS, -8), noWord);
        damages.put(it -> it.putLong(SLOTS + SLOT_SIZE, it.getLong(SLOTS)), "slots are not sorted");
        damages.put(it -> it.putLong(redirects(it), 0), "a redirect's site is not in code it was linked on");
        damages.put(it -> it.putLong(redirects(it) + 16, it.getLong(redirects(it))), "redirects are not sorted");
        damages.put(it -> it.putLong(commitRanges(it) + 8, 1), "a range ends before it begins");
        damages.put(it -> it.putLong(N_WAYS, 0), noWay);
        damages.put(it -> it.put(way(it), (byte) 'x'), noWay);
        damages.put(it -> it.putLong(way(it) + WAY_FLAGS, 2), "a way has a flag that this core does not know");
        for (int count : new int[] {WAY_N_HOME, WAY_N_RANGES}) {
            damages.put(it -> it.putLong(way(it) + count, 1L << 60), noArray);
            damages.put(it -> it.putLong(way(it) + count, 1_000_000), noArray);
        }
        damages.put(it -> it.putLong(home(it) + 8, 0), "a redirect home does not end where its way leads");
        return damages;
    }

    @Test
    void malformedDescriptorsAreRefusedAndLeaveNothing() throws Exception {
        Update update = update();
        Target target = guest().target();
        try (CoreSession session = CoreSession.open(target)) {
            int number = 0;
            for (Map.Entry<Consumer<ByteBuffer>, String> damage : damages().entrySet()) {
                String what = "damage %d: %s".formatted(++number, damage.getValue());
                assertThat(inserts(damaged(update.image(), damage.getKey())))
                        .as(what)
                        .isFalse();
                assertThat(session.send("reason").value("reason", ""))
                        .as(what)
                        .isEqualTo(update.name() + ": " + damage.getValue());
                assertThat(guest().sh("cat /sys/module/minix/refcnt; ls /sys/kernel/kmolt/modules"))
                        .as(what)
                        .isEqualTo("0");
            }
        }
    }

    /** Whatever stands in it: it is refused, or it can be staged, tried and discarded without harm. */
    @Test
    void randomDamageToDescriptorsDoesNoHarm() throws Exception {
        Update update = update();
        Random random = new Random(20_261_126);
        Target target = guest().target();
        int accepted = 0;
        try (CoreSession session = CoreSession.open(target)) {
            for (int round = 0; round < FUZZED; round++) {
                // Nearly everything is refused but what is only told to people: now and then it is that.
                boolean told = round % 4 == 0;
                boolean loaded = inserts(damaged(update.image(), it -> {
                    int first = told ? BUILD_ID : 0;
                    int size = told ? EXIT : end(it);
                    for (int i = random.nextInt(3); i >= 0; i--) {
                        int at = random.nextInt(first, size);
                        it.put(at, (byte) (it.get(at) ^ 1 << random.nextInt(8)));
                    }
                }));
                if (loaded) {
                    accepted++;
                    if (session.send("stage " + update.name()).isOk()) {
                        session.send("check " + update.name());
                    }
                    assertThat(session.send("discard " + update.name()).isOk()).isTrue();
                    target.removeModule(update.name());
                }
                assertThat(guest().sh("cat /sys/module/minix/refcnt"))
                        .as("round " + round)
                        .isEqualTo("0");
            }
        }
        System.out.printf("%d of %d damaged descriptors were taken%n", accepted, FUZZED);
        assertThat(accepted).isBetween(1, FUZZED - 1);
    }

    private static boolean inserts(byte[] image) throws IOException {
        guest().target().writeFile("/tmp/update.ko", image);
        return guest().attempt("/sbin/insmod /tmp/update.ko").ok();
    }
}
