package io.kmolt.edition;

import static io.kmolt.cli.CliRun.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.cli.CliRun;
import io.kmolt.cli.ExitCode;
import io.kmolt.lab.Fixtures;
import io.kmolt.swap.Core;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.SwapGuest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SequencedMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a running kernel or its core says no to, with the reason; nothing is left of it. */
@Tag("lab")
class EditionRefusalLabTest {
    private static final String NAME =
            "edition-refusal-" + ProcessHandle.current().pid();
    private static final String TARGET = "lab:" + NAME;

    private static final String HEADER = """
            #include <kmolt.h>
            #include <linux/fs.h>
            #include <linux/uio.h>
            MODULE_LICENSE("GPL");
            """;

    // Where things are in struct kmolt_editions, kmolt_function and kmolt_routes; AbiTest compares.
    private static final int ABI = 8;
    private static final int SIZE = 12;
    private static final int BOOT_ID = 16;
    private static final int UPDATE_NAME = 80;
    private static final int N_FUNCTIONS = 152;
    private static final int FUNCTION = 160;
    private static final int OBJECT_LOAD = FUNCTION + 16;
    private static final int LABEL = FUNCTION + 24;
    private static final int OBJECT = FUNCTION + 152;
    private static final int N_EDITIONS = FUNCTION + 232;
    private static final int FUNCTION_SIZE = 240;
    private static final int NUMBER = FUNCTION + 2 * FUNCTION_SIZE + 8;

    private static final int FUZZED = 25;

    private static final int FROM = 144;
    private static final int N_ROUTES = 224;
    private static final int ROUTE = 232;
    private static final int TEXT = ROUTE + 48;

    @TempDir
    private static Path folder = Path.of("");

    private static @Nullable BusyGuest guest;
    private static Path pipes = Path.of("");
    private static Path blocks = Path.of("");

    @BeforeAll
    static void boot() throws Exception {
        pipes = BusyGuest.build("pipes", folder);
        blocks = BusyGuest.build("blocks", folder);
        run("lab", "start", NAME, "--kernel", BusyGuest.RELEASE).exits(0);
        guest = new BusyGuest(SwapGuest.attach(NAME));
        guest().sh("insmod " + Fixtures.editions("kmolt_twins") + "; modprobe minix");
        Core.load(guest().target(), BusyGuest.RELEASE);
    }

    @AfterAll
    static void stop() throws Exception {
        guest().close();
        run("lab", "stop", NAME).exits(0);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        guest().clear();
        guest().assertNothingLeft();
    }

    private static BusyGuest guest() {
        return Objects.requireNonNull(guest);
    }

    private static Path file(String name, String text) throws Exception {
        return BusyGuest.buildFile(Files.writeString(folder.resolve(name + ".c"), HEADER + text));
    }

    private static CliRun load(Path file) {
        return run("edition", "load", "-t", TARGET, file);
    }

    private static CliRun route(Object... words) {
        Object[] all = new Object[words.length + 3];
        System.arraycopy(new Object[] {"route", "-t", TARGET}, 0, all, 0, 3);
        System.arraycopy(words, 0, all, 3, words.length);
        return run(all);
    }

    // Functions that cannot have editions.

    @Test
    void functionsThatCannotBeRoutedOrAreNotThereOrAreMoreThanOne() throws Exception {
        load(file("untraced", "KMOLT_EDITION(kmolt_untraced) static int mine(int x) { return x; }"))
                .exits(ExitCode.UNFIT)
                .complains("kmolt_twins:kmolt_untraced has no ftrace site: calls to it cannot be routed");
        load(file("scheduler", "KMOLT_EDITION(__schedule) static void mine(unsigned int sched_mode) { }"))
                .exits(ExitCode.UNFIT)
                .complains("__schedule has no ftrace site: calls to it cannot be routed");
        load(file("several", """
                        KMOLT_EDITION(pipe_reed) static int unknown(int x) { return x; }
                        KMOLT_EDITION(kmolt_twin) static int twin(int x) { return x; }
                        KMOLT_EDITION(kmolt_twin, 1, kmolt_twins, 3) static int third(int x) { return x; }
                        KMOLT_EDITION(pipe_read) static ssize_t narrow(struct kiocb *iocb, int to) { return to; }
                        """))
                .exits(ExitCode.REFUSED)
                .complains(
                        "several is refused, for these 4 reasons:",
                        "unknown: there is no function pipe_reed in the kernel",
                        "twin: there are 2 symbols kmolt_twin in the kernel; say which one is meant: ",
                        "KMOLT_EDITION(kmolt_twin, 1, kmolt_twins, 1), or KMOLT_EDITION(kmolt_twin, 1, kmolt_twins, 2)",
                        "third: ",
                        "so there is no number 3",
                        "narrow: it is called as pipe_read is, but parameter 2 differs: ",
                        "ssize_t pipe_read(struct kiocb *, struct iov_iter *)");
        run("edition", "list", "-t", TARGET).exits(0).saysOnly("no function has editions on " + TARGET);
    }

    @Test
    void whatIsLoadedOrEditedAlready() throws Exception {
        load(pipes).exits(0);
        load(pipes).exits(ExitCode.UNFIT).complains("editions named pipes are loaded already on " + TARGET);
        load(file(
                        "others",
                        "KMOLT_EDITION(pipe_write) static ssize_t mine(struct kiocb *iocb, struct iov_iter *from)"
                                + " { return -EPERM; }"))
                .exits(ExitCode.UNFIT)
                .complains("pipe_write has editions already, those of pipes");
        assertThat(guest().users()).isEqualTo("kmolt_pipes");
        run("edition", "unload", "-t", TARGET, "others")
                .exits(ExitCode.UNFIT)
                .complains("no editions named others are loaded on " + TARGET + "; there are: pipes");
        run("edition", "unload", "-t", TARGET, "pipes").exits(0).says("pipes: unloaded from " + TARGET);
    }

    // Routes.

    @Test
    void routesThatMakeNoSenseShowTheirColumn() throws Exception {
        load(pipes).exits(0);
        route("pipe_read", "uid == 1000 ? 1")
                .exits(ExitCode.USAGE)
                .complains("uid == 1000 ? 1\n               ^ column 16: ");
        route("pipe_read", "uid == joe ? 1 : 0").exits(ExitCode.USAGE).complains("\n       ^ column 8: ");
        route("pipe_read", "uid == 0").exits(ExitCode.USAGE).complains("\n^ column 1: this is a condition");
        route("pipe_read", "arg2 == 0 ? 1 : 0").exits(ExitCode.USAGE).complains("\n^ column 1: ", "arg2");
        route("pipe_read", "uid ? 7 : 1").exits(ExitCode.USAGE).complains("\n      ^ column 7: ", "7");
        route("pipe_read", "7", "-n").exits(ExitCode.USAGE).complains("^ column 1: ");
        route("pipe_read", "1", "pipe_write").exits(ExitCode.USAGE).complains("there is no route for pipe_write");
        route("pipe_read", "1", "pipe_read", "0").exits(ExitCode.USAGE).complains("pipe_read is named twice");
        route("vfs_read", "1")
                .exits(ExitCode.REFUSED)
                .complains("vfs_read has no editions on " + TARGET + "; these have: pipe_read, pipe_write");
        // One of two is wrong: neither is routed.
        route("pipe_write", "1", "pipe_read", "2").exits(ExitCode.USAGE);
        assertThat(guest().editions("pipes").routes()).isEqualTo("none");

        // A good one, and what is said of it.
        route("pipe_read", "1", "-n").exits(0).says("pipe_read: could be routed by 1");
        assertThat(guest().editions("pipes").routes()).isEqualTo("none");
        route("pipe_read", "1").exits(0).says("pipe_read: is routed by 1");
        guest().sh("echo through | cat");
        String hits = "" + guest().hits("pipes", "pipe_read", 1);
        assertThat(hits).isNotEqualTo("0");
        run("list", "-t", TARGET)
                .exits(0)
                .says("pipe_read: routed by 1", "edition 1: ", "pipe_write: all calls go to the original");
        assertThat(run("list", "-t", TARGET).out()).containsPattern("calls   original: 0, edition 1: [1-9][0-9]*\n");
        route("pipe_read", "uid == 1000 ? 2 : 1").exits(ExitCode.USAGE).complains("^ column 15: ");
        assertThat(guest().function("pipes", "pipe_read").route()).isEqualTo("1");
    }

    // Modules that are swapped.

    @Test
    void aModuleIsEitherSwappedOrItsFunctionsHaveEditions() throws Exception {
        Path build = SwapGuest.fixture("minix", "a");
        load(blocks).exits(0);
        run("swap", "-t", TARGET, "minix", build)
                .exits(ExitCode.UNFIT)
                .complains("functions of minix have editions (blocks); unload these first");
        route("minix:minix_getattr", "1").exits(0);
        run("swap", "-t", TARGET, "minix", build)
                .exits(ExitCode.UNFIT)
                .complains("functions of minix have editions (blocks); unload these first");
        assertThat(guest().function("blocks", "minix:minix_getattr").state()).isEqualTo("routed");
        guest().unload("blocks");

        run("swap", "-t", TARGET, "minix", build).exits(0);
        load(blocks).exits(ExitCode.UNFIT).complains("minix was swapped or is about to be");
        run("revert", "-t", TARGET, "minix").exits(0);
        load(blocks).exits(0);
        // The reverted build is still loaded, so that this swap would only stage it again.
        run("swap", "-t", TARGET, "minix", build)
                .exits(ExitCode.UNFIT)
                .complains("functions of minix have editions (blocks); unload these first");
        guest().unload("blocks");
        guest().sh("rmmod minix; modprobe minix");
    }

    // What the core itself refuses.

    /** An image in which something is wrong. */
    private static byte[] damaged(byte[] image, char kind, Consumer<ByteBuffer> damage) {
        byte[] damaged = image.clone();
        byte[] magic = {'k', 'm', 'o', 'l', 't', (byte) kind, '\n', 0};
        int at = -1;
        for (int i = 0; i + magic.length <= damaged.length; i++) {
            if (ByteBuffer.wrap(damaged, i, magic.length).equals(ByteBuffer.wrap(magic))) {
                assertThat(at).as("one descriptor").isEqualTo(-1);
                at = i;
            }
        }
        assertThat(at).as("a descriptor").isPositive();
        damage.accept(ByteBuffer.wrap(damaged, at, damaged.length - at).slice().order(ByteOrder.LITTLE_ENDIAN));
        return damaged;
    }

    private static Consumer<ByteBuffer> full(int at, int length) {
        return it -> it.put(at, "x".repeat(length).getBytes(StandardCharsets.US_ASCII));
    }

    private static void assertAllRefused(CapturingTarget captured, char kind, Map<Consumer<ByteBuffer>, String> damages)
            throws Exception {
        try (CoreSession session = CoreSession.open(guest().target())) {
            String users = guest().users();
            int number = 0;
            for (Map.Entry<Consumer<ByteBuffer>, String> damage : damages.entrySet()) {
                String what = "damage %d: %s".formatted(++number, damage.getValue());
                byte[] image = damaged(captured.image(), kind, damage.getKey());
                EditionException no = catchThrowableOfType(
                        EditionException.class,
                        () -> LoadEditions.insert(guest().target(), session, captured.name(), image));
                assertThat(no).as(what).isNotNull();
                assertThat(no)
                        .hasMessage(
                                captured.name() + " cannot be loaded: " + captured.name() + ": " + damage.getValue());
                assertThat(guest().users()).isEqualTo(users);
            }
        }
    }

    @Test
    void editionsForAnEarlierLoadOfAModuleAreRefused() throws Exception {
        CapturingTarget captured = CapturingTarget.captureEditions(guest().target(), blocks);
        // Often to the same address, at which all but the load itself is as it was.
        guest().sh("rmmod minix; modprobe minix");
        SequencedMap<Consumer<ByteBuffer>, String> none = new LinkedHashMap<>();
        none.put(_ -> {}, "it was linked for another load of minix");
        assertAllRefused(captured, 'E', none);
        captured = CapturingTarget.captureEditions(guest().target(), blocks);
        none.clear();
        none.put(it -> it.putLong(OBJECT_LOAD, it.getLong(OBJECT_LOAD) + 1), "it was linked for another load of minix");
        assertAllRefused(captured, 'E', none);
        try (CoreSession session = CoreSession.open(guest().target())) {
            LoadEditions.insert(guest().target(), session, captured.name(), captured.image());
        }
        assertThat(guest().users()).isEqualTo("kmolt_blocks");
    }

    @Test
    void malformedDescriptorsOfEditionsAreRefusedAndLeaveNothing() throws Exception {
        CapturingTarget captured = CapturingTarget.captureEditions(guest().target(), pipes);
        long minix = Long.parseUnsignedLong(
                guest().sh("grep '^minix ' /proc/modules | sed 's/.* 0x\\([0-9a-f]*\\).*/\\1/'"), 16);
        SequencedMap<Consumer<ByteBuffer>, String> damages = new LinkedHashMap<>();
        damages.put(it -> it.putLong(0, 4711), "this is not a descriptor");
        damages.put(it -> it.putInt(SIZE, 168), "this is not a descriptor");
        damages.put(it -> it.putInt(ABI, 1), "it was linked for another version of the core");
        damages.put(it -> it.put(BOOT_ID, (byte) 'x'), "it was linked for another boot");
        damages.put(full(UPDATE_NAME, 64), "its name is malformed");
        damages.put(full(BOOT_ID, 64), "its name is malformed");
        damages.put(it -> it.put(UPDATE_NAME, (byte) 0), "its name is malformed");
        damages.put(it -> it.put(UPDATE_NAME, (byte) '/'), "its name is malformed");
        damages.put(it -> it.putLong(N_FUNCTIONS, 0), "the array of functions is not in the update module");
        damages.put(it -> it.putLong(N_FUNCTIONS, 1000), "the array of functions is not in the update module");
        damages.put(it -> it.putLong(N_FUNCTIONS, 1L << 60), "the array of functions is not in the update module");
        damages.put(full(LABEL, 128), "a function's name is malformed");
        damages.put(it -> it.put(LABEL, (byte) '/'), "a function's name is malformed");
        damages.put(it -> it.putLong(N_EDITIONS, 0), "an array of editions is not in the update module");
        damages.put(it -> it.putLong(N_EDITIONS, 256), "an array of editions is not in the update module");
        damages.put(it -> it.putLong(NUMBER, 0), "an edition is malformed");
        damages.put(it -> it.putLong(NUMBER, 256), "an edition is malformed");
        damages.put(it -> it.putLong(FUNCTION, it.getLong(FUNCTION + FUNCTION_SIZE)), "a function is named twice");
        String none = "pipe_read has no ftrace site: calls to it cannot be routed";
        damages.put(it -> it.putLong(FUNCTION, 0x1000), none);
        damages.put(it -> it.putLong(FUNCTION, 0), none);
        damages.put(it -> it.putLong(FUNCTION, it.getLong(FUNCTION) + 1), none);
        damages.put(it -> it.putLong(FUNCTION, minix), "pipe_read is not in the kernel proper");
        damages.put(it -> it.putLong(FUNCTION, -4096), "pipe_read is not in the kernel proper");
        damages.put(
                it -> it.put(OBJECT, "minix".getBytes(StandardCharsets.US_ASCII)),
                "it was linked for another load of minix");
        damages.put(
                it -> it.put(OBJECT, "kmolt".getBytes(StandardCharsets.US_ASCII)),
                "functions of kmolt itself have no editions");
        damages.put(
                it -> it.put(OBJECT, "nobody".getBytes(StandardCharsets.US_ASCII)),
                "module nobody is not loaded, or on its way out");
        assertAllRefused(captured, 'E', damages);
        assertThat(guest().sh("ls /sys/kernel/kmolt/editions")).isEmpty();

        // The file itself is sound.
        try (CoreSession session = CoreSession.open(guest().target())) {
            LoadEditions.insert(guest().target(), session, captured.name(), captured.image());
        }
        assertThat(guest().users()).isEqualTo("kmolt_pipes");
    }

    @Test
    void malformedDescriptorsOfRoutesAreRefusedAndTheOldRoutesStand() throws Exception {
        guest().load(pipes);
        guest().route("pipe_read", "1");
        String inForce = guest().editions("pipes").routes();
        CapturingTarget captured = CapturingTarget.captureRoutes(guest().target(), "pipe_write", "1");
        String other = "it was made for other editions or routes than those of pipes now";
        SequencedMap<Consumer<ByteBuffer>, String> damages = new LinkedHashMap<>();
        damages.put(it -> it.putLong(0, 4711), "this is not a descriptor");
        damages.put(it -> it.putInt(SIZE, 160), "this is not a descriptor");
        damages.put(it -> it.putInt(ABI, 2), "it was made for another version of the core");
        damages.put(full(BOOT_ID, 64), "a text is malformed");
        damages.put(full(FROM, 64), "a text is malformed");
        damages.put(it -> it.put(BOOT_ID, (byte) 'x'), other);
        damages.put(it -> it.put(FROM, (byte) 0), other);
        damages.put(it -> it.putLong(N_ROUTES, 1), other);
        damages.put(it -> it.putLong(N_ROUTES, 1000), "the array of routes is not in the module");
        damages.put(
                it -> it.putLong(ROUTE, it.getLong(ROUTE) + 16), "its routes are not those of the update's functions");
        damages.put(full(TEXT, 256), "a route's text is malformed");
        assertAllRefused(captured, 'R', damages);
        assertThat(guest().editions("pipes").routes()).isEqualTo(inForce);
        assertThat(guest().function("pipes", "pipe_read").route()).isEqualTo("1");
        assertThat(guest().function("pipes", "pipe_write").state()).isEqualTo("original");
        long read = guest().number("pipes", "bytes_read");
        guest().sh("echo through | cat");
        assertThat(guest().number("pipes", "bytes_read")).isGreaterThan(read);
    }

    /**
     * Whatever stands in a descriptor: it is refused, or what it describes can be unloaded without harm. Only the core is
     * tried: no call is led to an edition at a damaged address.
     */
    @ParameterizedTest
    @ValueSource(chars = {'E', 'R'})
    void randomDamageToDescriptorsDoesNoHarm(char kind) throws Exception {
        if (kind == 'R') {
            guest().load(pipes);
        }
        CapturingTarget captured = kind == 'E'
                ? CapturingTarget.captureEditions(guest().target(), pipes)
                : CapturingTarget.captureRoutes(guest().target(), "pipe_write", "1");
        // The struct and two functions or routes.
        int size = kind == 'E' ? FUNCTION + 2 * FUNCTION_SIZE : ROUTE + 2 * (48 + RoutesModule.ROUTE_LEN);
        String question =
                "ls -R /sys/kernel/kmolt/editions; ls /sys/module/kmolt/holders; cat /sys/module/kmolt/refcnt;"
                        + " cat /sys/kernel/tracing/enabled_functions";
        Random random = new Random(20_261_127);
        int accepted = 0;
        for (int round = 0; round < FUZZED; round++) {
            byte[] image = damaged(captured.image(), kind, it -> {
                for (int i = random.nextInt(3); i >= 0; i--) {
                    int at = random.nextInt(size);
                    it.put(at, (byte) (it.get(at) ^ 1 << random.nextInt(8)));
                }
            });
            String before = guest().sh(question);
            try (CoreSession session = CoreSession.open(guest().target())) {
                accepted += inserted(session, captured.name(), image) ? 1 : 0;
            }
            // The end of the session discards routes that are not in force; editions are there to stay.
            if (kind == 'E') {
                guest().clear();
            } else {
                guest().sh("[ ! -e /sys/module/" + captured.name() + " ] || rmmod " + captured.name());
            }
            assertThat(guest().sh(question)).as("round " + round).isEqualTo(before);
            guest().guest().assertQuiet();
        }
        System.out.printf("%c: %d of %d damaged descriptors were taken%n", kind, accepted, FUZZED);
        assertThat(accepted).isBetween(1, FUZZED - 1);
    }

    private static boolean inserted(CoreSession session, String name, byte[] image) throws Exception {
        try {
            LoadEditions.insert(guest().target(), session, name, image);
            return true;
        } catch (EditionException e) {
            return false;
        }
    }

    // Switches.

    @Test
    void thereAreSixtyFourSwitchesWithProperNames() throws Exception {
        for (String bad : new String[] {"a/b", ".hidden", "x".repeat(32), "a,b", "ä"}) {
            run("switch", "-t", TARGET, bad, "1")
                    .exits(ExitCode.UNFIT)
                    .complains("a switch is named by up to 31 letters, digits, \"_\", \"-\" and \".\"");
        }
        run("switch", "-t", TARGET, "good", "two").exits(ExitCode.USAGE);
        run("switch", "-t", TARGET, "absent").exits(ExitCode.UNFIT).complains("there is no switch absent on " + TARGET);
        assertThat(guest().sh("ls /sys/kernel/kmolt/switches")).isEmpty();

        run("switch", "-t", TARGET, "x".repeat(31), "-5").exits(0).saysOnly("x".repeat(31) + ": -5");
        try (CoreSession session = CoreSession.open(guest().target())) {
            for (int i = 2; i <= 64; i++) {
                assertThat(session.send("switch s-" + i + " " + i).isOk()).isTrue();
            }
            assertThat(session.send("switch s-65 1").message()).isEqualTo("there are 64 switches already");
        }
        run("switch", "-t", TARGET, "s-65", "1").exits(ExitCode.UNFIT).complains("there are 64 switches already");
        run("switch", "-t", TARGET, "s-64", "-1").exits(0).saysOnly("s-64: -1");
        assertThat(run("switch", "-t", TARGET).exits(0).out().lines())
                .hasSize(64)
                .contains("s-63: 63", "s-64: -1")
                .noneMatch(line -> line.startsWith("s-65"));
        load(pipes).exits(0);
        route("pipe_read", "switch(\"s-65\") ? 1 : 0").exits(ExitCode.UNFIT).complains("there are 64 switches already");
        assertThat(guest().editions("pipes").routes()).isEqualTo("none");
        route("pipe_read", "switch(\"s-64\") == -1 ? 1 : 0").exits(0);
        guest().unload("pipes");
        // They stay as long as the core does.
        guest().target().removeModule("kmolt");
        Core.load(guest().target(), BusyGuest.RELEASE);
        assertThat(guest().sh("ls /sys/kernel/kmolt/switches")).isEmpty();
    }
}
