package io.kmolt.btf;

import static io.kmolt.btf.BtfWriter.bits;
import static io.kmolt.btf.BtfWriter.m;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Malformed BTF is refused with the offset of what is wrong; it never harms the reader. */
class BtfDamageTest {
    private static final int FIRST_RECORD = 24;

    private final BtfWriter out = new BtfWriter();

    @ParameterizedTest
    @CsvSource({
        "0, 0x00, 0x0, magic is 0xeb00",
        "0, 0xeb, 0x0, magic is 0xebeb",
        "2, 2, 0x2, version is 2",
        "4, 23, 0x4, header length is 23",
        "7, 0x7f, 0x4, header length is",
        "8, 2, 0x8, types from",
        "15, 0x7f, 0x8, types from",
        "16, 0x7f, 0x10, strings from",
        "23, 0x7f, 0x10, strings from",
        "12, 20, 0x28, a record is cut short",
    })
    void refusesADamagedHeader(int at, String value, String offset, String complaint) {
        out.intType();
        byte[] raw = out.bytes();
        raw[at] = Integer.decode(value).byteValue();
        refused(raw, "test: BTF offset " + offset, complaint);
    }

    @Test
    void refusesTheOtherEndianness() {
        out.intType();
        byte[] raw = out.bytes();
        raw[0] = (byte) 0xeb;
        raw[1] = (byte) 0x9f;
        refused(raw, "big-endian");
    }

    @Test
    void refusesEveryTruncation() {
        out.struct("s", 4, m("a", out.intType(), 0));
        byte[] raw = out.bytes();
        for (int length = 0; length < raw.length; length++) {
            byte[] cut = Arrays.copyOf(raw, length);
            assertThatThrownBy(() -> Btf.parse("test", cut)).isInstanceOf(BtfException.class);
        }
    }

    @Test
    void refusesStringsThatDoNotBeginOrEndAsTheyShould() {
        out.intType();
        byte[] open = out.bytes();
        open[open.length - 1] = 'x';
        refused(open, "do not end with a NUL");
        byte[] full = out.bytes();
        full[FIRST_RECORD + 16] = 'x';
        refused(full, "do not begin with the empty one");
    }

    @Test
    void refusesUnknownKinds() {
        out.raw("x", 20, 0, false, 0);
        refused(out.bytes(), "offset 0x18", "kind 20 is unknown");
    }

    @Test
    void refusesRecordsThatReachBeyondTheEnd() {
        out.raw("s", 4, 2, false, 4, 0, 0, 0);
        refused(out.bytes(), "offset 0x18", "a record of 36 bytes is cut short");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 100, -1, Integer.MIN_VALUE})
    void refusesReferencesToNowhere(int target) {
        out.raw("", 2, 0, false, target);
        refused(out.bytes(), "offset 0x20", "type " + Integer.toUnsignedString(target) + " of 1");
    }

    @Test
    void refusesReferencesToWhatIsNoType() {
        int proto = out.proto(0);
        int function = out.function("f", proto);
        out.ptr(function);
        refused(out.bytes(), "a FUNC is referred to as if it were a type");
    }

    @Test
    void refusesFunctionsThatAreNone() {
        out.raw("f", 12, 1, false, out.intType());
        refused(out.bytes(), "the type of a function is a INT");
    }

    @Test
    void refusesFunctionsOfUnknownLinkage() {
        out.raw("f", 12, 3, false, out.proto(0));
        refused(out.bytes(), "linkage 3");
    }

    @Test
    void refusesIntegersWithMoreBitsThanBytes() {
        out.raw("int", 1, 0, false, 4, 33);
        refused(out.bytes(), "33 bits in 4 bytes");
    }

    @Test
    void refusesNamesThatAreNotThere() {
        out.intType();
        byte[] raw = out.bytes();
        raw[FIRST_RECORD] = 100;
        refused(raw, "offset 0x18", "name 0x64");
    }

    @ParameterizedTest
    @ValueSource(strings = {"esc\u001b[2J", "line\nbreak", "latin\u00e9", "del\u007f"})
    void refusesNamesThatWouldDisturbATerminal(String name) {
        out.integer(name, 4, 0);
        refused(out.bytes(), "not printable ASCII");
    }

    @Test
    void refusesOverlongNames() {
        out.integer("x".repeat(5000), 4, 0);
        refused(out.bytes(), "a name is too long");
    }

    @Test
    void refusesTypesThatContainThemselves() {
        out.typedef("t", out.next());
        refused(out.bytes(), "type 1 contains itself");
        BtfWriter struct = new BtfWriter();
        struct.struct("s", 4, m("a", struct.next() + 1, 0));
        struct.array(1, 2);
        refused(struct.bytes(), "contains itself");
    }

    @Test
    void refusesLoopsThatPassNoTag() {
        out.ptr(out.next() + 1);
        out.constant(1);
        refused(out.bytes(), "contains itself");
        BtfWriter proto = new BtfWriter();
        proto.ptr(2);
        proto.proto(0, 1);
        refused(proto.bytes(), "contains itself");
    }

    @Test
    void takesLoopsThroughATag() throws BtfException {
        int link = out.ptr(out.next() + 1);
        out.struct("list_head", 16, m("next", link, 0), m("prev", link, 8));
        assertThat(out.read("test").endId()).isEqualTo(3);
    }

    @Test
    void refusesChainsWithoutEnd() {
        int type = out.intType();
        for (int i = 0; i < 100_000; i++) {
            type = out.ptr(type);
        }
        refused(out.bytes(), "nests more than");
        BtfWriter backwards = new BtfWriter();
        for (int i = 0; i < 100_000; i++) {
            backwards.constant(backwards.next() + 1);
        }
        backwards.intType();
        refused(backwards.bytes(), "nests more than");
    }

    @Test
    void refusesNestsThatUnfoldToMillions() {
        int type = out.struct("", 4, m("a", out.intType(), 0));
        for (int i = 0; i < 40; i++) {
            type = out.struct("", 4, m("", type, 0), m("b", type, 0));
        }
        refused(out.bytes(), "unfolds to more than");
    }

    @Test
    void aMillionTypesOfOneNameTakeNoLongerThanOthers() {
        for (int i = 0; i < 1_000_000; i++) {
            out.raw("same", 7, 0, false, 0);
        }
        byte[] raw = out.bytes();
        Assertions.assertTimeout(
                Duration.ofSeconds(10),
                () -> assertThat(Btf.parse("test", raw).ids("same")).hasSize(1_000_000));
    }

    @Test
    void refusesASplitPartOnAnotherBase() throws BtfException {
        int number = out.intType();
        BtfWriter split = out.split();
        split.struct("s", 8, m("a", number, 0), m("b", split.next(), 4));
        BtfWriter other = new BtfWriter();
        other.fwd("x", false);
        assertThatThrownBy(() -> split.read("module", other.read("vmlinux")))
                .isInstanceOf(BtfException.class)
                .hasMessageContaining("module");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void anyDamageIsEitherRefusedOrReadToTheEnd(long seed) throws BtfException {
        Random random = new Random(seed);
        byte[] good = everyKind().bytes();
        Btf original = Btf.parse("good", good);
        int accepted = 0;
        for (int round = 0; round < 4000; round++) {
            byte[] bad = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                int at = random.nextInt(10) == 0 ? random.nextInt(FIRST_RECORD) : random.nextInt(bad.length);
                bad[at] = (byte) (random.nextBoolean() ? random.nextInt(40) : random.nextInt(256));
            }
            if (random.nextInt(4) == 0) {
                bad = Arrays.copyOf(bad, random.nextInt(bad.length + 8));
            }
            accepted += readsToTheEnd(bad, original) ? 1 : 0;
        }
        assertThat(accepted).as("a fuzz that is always refused tests little").isGreaterThan(100);
    }

    private static boolean readsToTheEnd(byte[] raw, Btf original) {
        Btf btf;
        try {
            btf = Btf.parse("bad", raw);
        } catch (BtfException e) {
            return false;
        }
        for (int id = 0; id < btf.endId(); id++) {
            assertThat(btf.type(id).kind()).isEqualTo(btf.kind(id));
            assertThat(TypeText.of(btf, id)).hasSizeLessThan(10_000);
            assertThat(btf.sizeOf(id)).isNotNegative();
        }
        try {
            LayoutDiff.compare(original, btf, Scope.owned())
                    .forEach(d -> assertThat(d.describe()).isNotBlank());
            LayoutDiff.compare(btf, original, Scope.owned());
        } catch (BtfException e) {
            return false;
        }
        FunctionPrototypes.incompatibility(original, "f", btf, "f");
        return true;
    }

    private BtfWriter everyKind() {
        int number = out.intType();
        int list = out.ptr(out.next() + 1);
        out.struct("list", 16, m("next", list, 0), m("prev", list, 8));
        int inner = out.union("", 8, m("x", number, 0), m("y", list, 0));
        int flags = out.enumeration("flags", "A", 1, "B", -2);
        int wide = out.enum64("wide", true, "C", -1);
        int array = out.array(out.typedef("inner_t", out.struct("", 4, m("z", number, 0))), 5);
        int outer = out.struct(
                "outer", 64, m("", inner, 0), m("table", array, 8), m("w", wide, 32), bits("f", flags, 320, 4));
        int proto = out.proto(number, out.ptr(out.constant(outer)), number, 0);
        out.function("f", proto);
        out.struct("ops", 8, m("call", out.ptr(proto), 0));
        out.raw("", 9, 0, false, number);
        out.raw("user", 18, 0, false, number);
        out.raw("note", 17, 0, false, outer, -1);
        int variable = out.raw("v", 14, 0, false, number, 1);
        out.raw(".data", 15, 1, false, 4, variable, 16, 4);
        out.raw("half", 16, 0, false, 2);
        out.fwd("secret", true);
        return out;
    }

    private static void refused(byte[] raw, String... parts) {
        assertThatThrownBy(() -> Btf.parse("test", raw))
                .isInstanceOf(BtfException.class)
                .hasMessageStartingWith("test: BTF offset ")
                .message()
                .contains(parts);
    }
}
