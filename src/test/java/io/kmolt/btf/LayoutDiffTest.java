package io.kmolt.btf;

import static io.kmolt.btf.BtfWriter.bits;
import static io.kmolt.btf.BtfWriter.m;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.btf.BtfWriter.M;
import io.kmolt.btf.LayoutDifference.Kind;
import io.kmolt.btf.LayoutDifference.Place;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Each way in which a type can differ, and how it reads. */
class LayoutDiffTest {
    private static final int INT = 1;
    private static final int LONG = 2;
    private static final int CHAR = 3;

    @Test
    void sameTypesDoNotDiffer() throws BtfException {
        assertThat(structs(List.of(m("a", INT, 0)), List.of(m("a", INT, 0)))).isEmpty();
    }

    @Test
    void equalBytesNeedNoComparison() throws BtfException {
        Btf btf = basics().read("test");
        assertThat(LayoutDiff.compare(btf, btf, Scope.owned())).isEmpty();
    }

    @Test
    void aMemberThatMovedIsNamedWithItsOffsets() throws BtfException {
        List<LayoutDifference> found = compare(
                w -> w.struct("inode_info", 16, m("flags", INT, 0), m("count", INT, 8)),
                w -> w.struct("inode_info", 16, m("flags", INT, 0), m("count", INT, 12)));
        assertThat(found)
                .containsExactly(new LayoutDifference(
                        "struct inode_info",
                        "count",
                        Kind.MOVED,
                        Optional.of(new Place(64, 32, "int")),
                        Optional.of(new Place(96, 32, "int")),
                        false));
        assertThat(found.getFirst().describe()).isEqualTo("struct inode_info: member count: offset 8 → 12 bytes");
    }

    @Test
    void membersCanBeAddedAndRemoved() throws BtfException {
        assertThat(structs(List.of(m("a", INT, 0), m("b", LONG, 8)), List.of(m("a", INT, 0), m("c", CHAR, 4))))
                .containsExactly(
                        "struct s: member b: removed from 8 bytes, long int (8 bytes)",
                        "struct s: member c: added at 4 bytes, char (1 byte)");
    }

    @Test
    void aTypeThatGrewSaysSo() throws BtfException {
        assertThat(lines(w -> w.struct("s", 4, m("a", INT, 0)), w -> w.struct("s", 12, m("a", INT, 0))))
                .containsExactly("struct s: size 4 → 12 bytes");
    }

    @Test
    void aMemberOfAnotherSizeIsResized() throws BtfException {
        assertThat(structs(List.of(m("a", INT, 0)), List.of(m("a", LONG, 0))))
                .containsExactly("struct s: member a: type int → long int, size 4 → 8 bytes");
    }

    @Test
    void aMemberOfAnotherTypeIsRetyped() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 8, m("a", INT, 0)),
                        w -> w.struct("s", 8, m("a", w.integer("unsigned int", 4, 0), 0))))
                .containsExactly("struct s: member a: type int → unsigned int");
    }

    @Test
    void anotherNameAtTheSamePlaceMayBeARenaming() throws BtfException {
        assertThat(structs(List.of(m("a", INT, 0), m("b", INT, 4)), List.of(m("a", INT, 0), m("c", INT, 4))))
                .containsExactly("struct s: member b: renamed to c?");
    }

    @Test
    void severalNamesAtOnePlaceAreNoRenaming() throws BtfException {
        assertThat(lines(
                        w -> w.union("u", 4, m("a", INT, 0), m("b", INT, 0)),
                        w -> w.union("u", 4, m("c", INT, 0), m("d", INT, 0))))
                .hasSize(4)
                .noneMatch(line -> line.contains("renamed"));
    }

    @Test
    void bitFieldsAreCountedInBits() throws BtfException {
        assertThat(structs(
                        List.of(bits("a", INT, 0, 3), bits("b", INT, 3, 1), bits("c", INT, 8, 8)),
                        List.of(bits("a", INT, 0, 4), bits("b", INT, 4, 1), m("c", CHAR, 1))))
                .containsExactly(
                        "struct s: member a: size 3 → 4 bits",
                        "struct s: member b: offset 3 → 4 bits",
                        "struct s: member c: type int → char");
    }

    @Test
    void membersOfAnonymousUnionsCountAsTheOuterTypes() throws BtfException {
        assertThat(lines(
                        w -> {
                            int union = w.union("", 8, m("x", INT, 0), m("y", LONG, 0));
                            w.struct("s", 16, m("a", INT, 0), m("", union, 8));
                        },
                        w -> {
                            int union = w.union("", 8, m("x", INT, 4), m("y", LONG, 0));
                            w.struct("s", 16, m("a", INT, 0), m("", union, 8));
                        }))
                .containsExactly("struct s: member x: offset 8 → 12 bytes");
    }

    @Test
    void wrappingAMemberInAnAnonymousUnionChangesNothingForIt() throws BtfException {
        assertThat(lines(w -> w.struct("s", 4, m("a", INT, 0)), w -> {
                    int union = w.union("", 4, m("a", INT, 0), m("b", CHAR, 0));
                    w.struct("s", 4, m("", union, 0));
                }))
                .containsExactly("struct s: member b: added at 0 bytes, char (1 byte)");
    }

    @Test
    void namelessTypesAreComparedMemberByMember() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 16, m("t", w.array(w.struct("", 8, m("x", INT, 0)), 2), 0)),
                        w -> w.struct("s", 16, m("t", w.array(w.struct("", 8, m("x", INT, 4)), 2), 0))))
                .containsExactly("struct s: member t[].x: offset 0 → 4 bytes");
    }

    @Test
    void whatANamelessPointerTargetHoldsIsCompared() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 8, m("p", w.ptr(w.struct("", 8, m("x", INT, 0))), 0)),
                        w -> w.struct("s", 8, m("p", w.ptr(w.struct("", 8, m("x", INT, 4))), 0))))
                .containsExactly("struct s: member p->x: offset 0 → 4 bytes");
    }

    @Test
    void arraysDifferInLengthAndInElements() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 16, m("a", w.array(INT, 2), 0), m("b", w.array(INT, 2), 8)),
                        w -> w.struct("s", 16, m("a", w.array(INT, 1), 0), m("b", w.array(LONG, 1), 8))))
                .containsExactly(
                        "struct s: member a: type int[2] → int[1], size 8 → 4 bytes",
                        "struct s: member b: type int[2] → long int[1]",
                        "struct s: member b[]: type int → long int, size 4 → 8 bytes");
    }

    @Test
    void aFlexibleArrayDiffersFromOneThatIsNot() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 8, m("a", w.array(CHAR, 0), 4)),
                        w -> w.struct("s", 8, m("a", w.array(CHAR, 1), 4))))
                .containsExactly("struct s: member a: type char[] → char[1], size 0 → 1 bytes");
    }

    @Test
    void pointersDifferByTheNameOfWhatTheyPointTo() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 8, m("p", w.ptr(w.fwd("inode", false)), 0)),
                        w -> w.struct("s", 8, m("p", w.ptr(w.fwd("dentry", false)), 0))))
                .containsExactly("struct s: member p: type struct inode * → struct dentry *");
    }

    @Test
    void whetherAPointerTargetIsDefinedOrConstDoesNotMatter() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 8, m("p", w.ptr(w.fwd("inode", false)), 0)),
                        w -> w.struct("s", 8, m("p", w.ptr(w.constant(w.struct("inode", 4, m("i", INT, 0)))), 0))))
                .isEmpty();
    }

    @Test
    void anotherTypedefForTheSameTypeDoesNotMatter() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 4, m("a", w.typedef("s32", INT), 0)),
                        w -> w.struct("s", 4, m("a", w.typedef("__s32", w.constant(INT)), 0))))
                .isEmpty();
    }

    @Test
    void functionPointersDifferByTheirPrototype() throws BtfException {
        assertThat(lines(
                        w -> w.struct("ops", 8, m("open", w.ptr(w.proto(INT, LONG)), 0)),
                        w -> w.struct("ops", 8, m("open", w.ptr(w.proto(INT, LONG, INT)), 0))))
                .containsExactly("struct ops: member open: type int (*)(long int) → int (*)(long int, int)");
    }

    @Test
    void aChangeWithinAnEmbeddedTypeIsReportedOnceAndThere() throws BtfException {
        assertThat(lines(
                        w -> {
                            int inner = w.struct("inner", 8, m("x", INT, 0));
                            w.struct("one", 8, m("i", inner, 0));
                            w.struct("two", 8, m("i", w.array(inner, 1), 0));
                        },
                        w -> {
                            int inner = w.struct("inner", 8, m("x", INT, 4));
                            w.struct("one", 8, m("i", inner, 0));
                            w.struct("two", 8, m("i", w.array(inner, 1), 0));
                        }))
                .containsExactly("struct inner: member x: offset 0 → 4 bytes");
    }

    @Test
    void anEmbeddedTypeThatGrewIsNoticedByThoseAroundIt() throws BtfException {
        assertThat(lines(
                        w -> w.struct("outer", 16, m("i", w.struct("inner", 4, m("x", INT, 0)), 0)),
                        w -> w.struct("outer", 16, m("i", w.struct("inner", 8, m("x", INT, 0)), 0))))
                .containsExactly("struct inner: size 4 → 8 bytes", "struct outer: member i: size 4 → 8 bytes");
    }

    @Test
    void aStructureThatBecameAUnionIsAnotherType() throws BtfException {
        assertThat(lines(w -> w.struct("s", 4, m("a", INT, 0)), w -> w.union("s", 4, m("a", INT, 0))))
                .containsExactly("struct s: type struct s → union s");
    }

    @Test
    void enumeratorsDifferByValue() throws BtfException {
        assertThat(lines(
                        w -> w.enumeration("state", "IDLE", 0, "BUSY", 1, "DEAD", 2),
                        w -> w.enumeration("state", "IDLE", 0, "WAITING", 1, "BUSY", 2)))
                .containsExactly(
                        "enum state: enumerator BUSY: 1 → 2",
                        "enum state: enumerator DEAD: removed; its value was 2",
                        "enum state: enumerator WAITING: added with value 1");
    }

    @Test
    void wideEnumerationsAreComparedWithNarrowOnes() throws BtfException {
        assertThat(lines(w -> w.enumeration("e", "A", 1), w -> w.enum64("e", true, "A", 1L << 40)))
                .containsExactly("enum e: size 4 → 8 bytes", "enum e: enumerator A: 1 → 1099511627776");
    }

    @Test
    void constantsOfEnumerationsWithoutANameAreCompared() throws BtfException {
        assertThat(lines(
                        w -> w.enumeration("", "FLAG_A", 0, "FLAG_B", 1),
                        w -> w.enumeration("", "FLAG_NEW", 0, "FLAG_A", 1, "FLAG_B", 2)))
                .containsExactly("enum {…}: enumerator FLAG_A: 0 → 1", "enum {…}: enumerator FLAG_B: 1 → 2");
    }

    @Test
    void typedefsDifferByWhatTheyMean() throws BtfException {
        assertThat(lines(w -> w.typedef("block_t", INT), w -> w.typedef("block_t", LONG)))
                .containsExactly("typedef block_t: type int → long int, size 4 → 8 bytes");
    }

    @Test
    void aTypedefOfANamelessStructureStandsForIt() throws BtfException {
        assertThat(lines(
                        w -> {
                            int pair = w.typedef("pair_t", w.struct("", 8, m("x", INT, 0), m("y", INT, 4)));
                            w.struct("s", 16, m("one", pair, 0), m("two", pair, 8), m("p", w.ptr(pair), 8));
                        },
                        w -> {
                            int pair = w.typedef("pair_t", w.struct("", 8, m("y", INT, 0), m("x", INT, 4)));
                            w.struct("s", 16, m("one", pair, 0), m("two", pair, 8), m("p", w.ptr(pair), 8));
                        }))
                .containsExactly(
                        "typedef pair_t: member x: offset 0 → 4 bytes", "typedef pair_t: member y: offset 4 → 0 bytes");
    }

    @Test
    void listsThatPointToThemselvesAreNoProblem() throws BtfException {
        assertThat(lines(
                        w -> w.struct("list", 16, m("next", w.ptr(w.next() + 1), 0), m("n", INT, 8)),
                        w -> w.struct("list", 16, m("next", w.ptr(w.next() + 1), 0), m("n", INT, 12))))
                .containsExactly("struct list: member n: offset 8 → 12 bytes");
    }

    @Test
    void unconnectedMassesOfDifferencesEndInARefusal() throws BtfException {
        BtfWriter old = new BtfWriter();
        BtfWriter now = new BtfWriter();
        old.intType();
        now.intType();
        M[] before = new M[50_000];
        M[] after = new M[50_000];
        for (int i = 0; i < before.length; i++) {
            before[i] = m("m" + i, INT, i * 4);
            after[i] = m("m" + i, INT, i * 4 + 4);
        }
        for (int i = 0; i < 3; i++) {
            old.struct("s" + i, 4, before);
            now.struct("s" + i, 4, after);
        }
        Btf a = old.read("old.ko");
        Btf b = now.read("new.ko");
        assertThatThrownBy(() -> LayoutDiff.compare(a, b, Scope.owned()))
                .isInstanceOf(BtfException.class)
                .hasMessageContainingAll("old.ko", "new.ko", "too many types and members");
    }

    private static List<String> structs(List<M> old, List<M> now) throws BtfException {
        return lines(w -> w.struct("s", 16, old.toArray(M[]::new)), w -> w.struct("s", 16, now.toArray(M[]::new)));
    }

    private static List<String> lines(Consumer<BtfWriter> old, Consumer<BtfWriter> now) throws BtfException {
        return compare(old, now).stream().map(LayoutDifference::describe).toList();
    }

    private static List<LayoutDifference> compare(Consumer<BtfWriter> old, Consumer<BtfWriter> now)
            throws BtfException {
        BtfWriter before = basics();
        BtfWriter after = basics();
        old.accept(before);
        now.accept(after);
        return LayoutDiff.compare(before.read("old.ko"), after.read("new.ko"), Scope.owned());
    }

    private static BtfWriter basics() {
        BtfWriter writer = new BtfWriter();
        writer.intType();
        writer.longType();
        writer.integer("char", 1, BtfWriter.SIGNED);
        return writer;
    }
}
