package io.kmolt.btf;

import static io.kmolt.btf.BtfWriter.bits;
import static io.kmolt.btf.BtfWriter.m;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.btf.BtfType.Enumerator;
import io.kmolt.btf.BtfType.Linkage;
import io.kmolt.btf.BtfType.Member;
import io.kmolt.btf.BtfType.Parameter;
import io.kmolt.btf.BtfType.SectionEntry;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What was written comes back: every kind of record, alone and split. */
class BtfTest {
    private final BtfWriter out = new BtfWriter();

    @Test
    void readsIntegersWithTheirEncoding() throws BtfException {
        out.integer("int", 4, BtfWriter.SIGNED);
        out.integer("char", 1, BtfWriter.SIGNED | BtfWriter.CHAR);
        out.integer("_Bool", 1, BtfWriter.BOOL);
        out.raw("three bits", 1, 0, false, 4, 5 << 16 | 3);
        Btf btf = out.read("test");
        assertThat(btf.type(1)).isEqualTo(new BtfType.Int(1, "int", 4, 32, 0, true, false, false));
        assertThat(btf.type(2)).isEqualTo(new BtfType.Int(2, "char", 1, 8, 0, true, true, false));
        assertThat(btf.type(3)).isEqualTo(new BtfType.Int(3, "_Bool", 1, 8, 0, false, false, true));
        assertThat(btf.type(4)).isEqualTo(new BtfType.Int(4, "three bits", 4, 3, 5, false, false, false));
    }

    @Test
    void readsStructuresUnionsAndBitFields() throws BtfException {
        int number = out.intType();
        out.struct("plain", 8, m("a", number, 0), m("b", number, 4));
        out.struct("packed", 4, bits("low", number, 0, 3), bits("high", number, 3, 29));
        out.union("either", 4, m("x", number, 0), m("", number, 0));
        Btf btf = out.read("test");
        assertThat(btf.type(2))
                .isEqualTo(new BtfType.Composite(
                        2, BtfKind.STRUCT, "plain", 8, List.of(new Member("a", 1, 0, 0), new Member("b", 1, 32, 0))));
        assertThat(btf.type(3))
                .isEqualTo(new BtfType.Composite(
                        3,
                        BtfKind.STRUCT,
                        "packed",
                        4,
                        List.of(new Member("low", 1, 0, 3), new Member("high", 1, 3, 29))));
        assertThat(btf.type(4))
                .isEqualTo(new BtfType.Composite(
                        4, BtfKind.UNION, "either", 4, List.of(new Member("x", 1, 0, 0), new Member("", 1, 0, 0))));
    }

    @Test
    void readsBitFieldsOfEncodersWithoutTheKindFlag() throws BtfException {
        int three = out.raw("int", 1, 0, false, 4, 2 << 16 | 3);
        out.struct("old", 4, m("a", out.typedef("t", three), 1));
        assertThat(out.read("test").type(3))
                .isEqualTo(new BtfType.Composite(3, BtfKind.STRUCT, "old", 4, List.of(new Member("a", 2, 10, 3))));
    }

    @Test
    void readsEnumerationsOfBothWidthsAndSigns() throws BtfException {
        out.enumeration("sign", "minus", -1, "plus", 1);
        out.raw("unsigned", 6, 1, false, 4, out.name("all"), -1);
        out.enum64("wide", false, "far", 0x1_0000_0000L);
        out.enum64("deep", true, "below", -5_000_000_000L);
        Btf btf = out.read("test");
        assertThat(btf.type(1))
                .isEqualTo(new BtfType.Enumeration(
                        1,
                        BtfKind.ENUM,
                        "sign",
                        4,
                        true,
                        List.of(new Enumerator("minus", -1), new Enumerator("plus", 1))));
        assertThat(btf.type(2))
                .isEqualTo(new BtfType.Enumeration(
                        2, BtfKind.ENUM, "unsigned", 4, false, List.of(new Enumerator("all", 0xffffffffL))));
        assertThat(btf.type(3))
                .isEqualTo(new BtfType.Enumeration(
                        3, BtfKind.ENUM64, "wide", 8, false, List.of(new Enumerator("far", 0x1_0000_0000L))));
        assertThat(btf.type(4))
                .isEqualTo(new BtfType.Enumeration(
                        4, BtfKind.ENUM64, "deep", 8, true, List.of(new Enumerator("below", -5_000_000_000L))));
    }

    @Test
    void readsWhatRefersToOtherTypes() throws BtfException {
        int number = out.intType();
        out.ptr(number);
        out.array(number, 7);
        out.typedef("number_t", number);
        out.raw("", 9, 0, false, number);
        out.constant(number);
        out.raw("", 11, 0, false, 2);
        out.raw("user", 18, 0, false, number);
        out.raw("note", 17, 0, false, 4, -1);
        Btf btf = out.read("test");
        assertThat(btf.type(2)).isEqualTo(new BtfType.Ptr(2, 1));
        assertThat(btf.type(3)).isEqualTo(new BtfType.Array(3, 1, 1, 7));
        assertThat(btf.type(4)).isEqualTo(new BtfType.Typedef(4, "number_t", 1));
        assertThat(btf.type(5)).isEqualTo(new BtfType.Qualifier(5, BtfKind.VOLATILE, "", 1));
        assertThat(btf.type(6)).isEqualTo(new BtfType.Qualifier(6, BtfKind.CONST, "", 1));
        assertThat(btf.type(7)).isEqualTo(new BtfType.Qualifier(7, BtfKind.RESTRICT, "", 2));
        assertThat(btf.type(8)).isEqualTo(new BtfType.Qualifier(8, BtfKind.TYPE_TAG, "user", 1));
        assertThat(btf.type(9)).isEqualTo(new BtfType.DeclTag(9, "note", 4, -1));
        assertThat(btf.type(0)).isEqualTo(new BtfType.VoidType());
    }

    @Test
    void readsFunctionsVariablesAndSections() throws BtfException {
        int number = out.intType();
        int proto = out.proto(number, number);
        out.function("f", proto);
        out.proto(0, number, 0);
        int variable = out.raw("v", 14, 0, false, number, 1);
        out.raw(".data", 15, 1, false, 4, variable, 16, 4);
        out.raw("half", 16, 0, false, 2);
        out.fwd("secret", true);
        Btf btf = out.read("test");
        assertThat(btf.type(2)).isEqualTo(new BtfType.FuncProto(2, 1, List.of(new Parameter("p0", 1)), false));
        assertThat(btf.type(3)).isEqualTo(new BtfType.Func(3, "f", 2, Linkage.GLOBAL));
        assertThat(btf.type(4)).isEqualTo(new BtfType.FuncProto(4, 0, List.of(new Parameter("p0", 1)), true));
        assertThat(btf.type(5)).isEqualTo(new BtfType.Var(5, "v", 1, 1));
        assertThat(btf.type(6)).isEqualTo(new BtfType.DataSec(6, ".data", 4, List.of(new SectionEntry(5, 16, 4))));
        assertThat(btf.type(7)).isEqualTo(new BtfType.Floating(7, "half", 2));
        assertThat(btf.type(8)).isEqualTo(new BtfType.Fwd(8, "secret", true));
    }

    @Test
    void splitBtfGoesOnWhereItsBaseEnds() throws BtfException {
        int number = out.intType();
        int shared = out.struct("shared", 4, m("count", number, 0));
        BtfWriter more = out.split();
        more.struct("own", 8, m("count", number, 0), m("link", more.ptr(shared) /* 3 */, 4));
        Btf base = out.read("vmlinux");
        Btf btf = more.read("module", base);
        assertThat(btf.base()).contains(base);
        assertThat(btf.firstOwnId()).isEqualTo(3);
        assertThat(btf.owns(shared)).isFalse();
        assertThat(btf.nameOf(shared)).isEqualTo("shared");
        assertThat(btf.type(4))
                .isEqualTo(new BtfType.Composite(
                        4,
                        BtfKind.STRUCT,
                        "own",
                        8,
                        List.of(new Member("count", 1, 0, 0), new Member("link", 3, 32, 0))));
        assertThat(btf.ids("shared")).containsExactly(shared);
        assertThat(btf.ownIds("shared")).isEmpty();
    }

    @Test
    void findsAllTypesOfOneNameItsOwnFirst() throws BtfException {
        int number = out.intType();
        out.struct("twin", 4, m("a", number, 0));
        BtfWriter more = out.split();
        more.struct("twin", 8, m("a", number, 0));
        more.typedef("twin", number);
        Btf btf = more.read("module", out.read("vmlinux"));
        assertThat(btf.ids("twin")).containsExactly(3, 4, 2);
        assertThat(btf.ownIds("twin")).containsExactly(3, 4);
        assertThat(btf.ids("nobody")).isEmpty();
    }

    @Test
    void anEmptySplitPartIsFine() throws BtfException {
        out.intType();
        Btf btf = out.split().read("module", out.read("vmlinux"));
        assertThat(btf.endId()).isEqualTo(btf.firstOwnId());
    }

    @Test
    void knowsSizes() throws BtfException {
        int number = out.intType();
        int struct = out.struct("s", 24, m("a", number, 0));
        int pointer = out.ptr(struct);
        int array = out.array(out.typedef("s_t", out.constant(struct)), 3);
        int flexible = out.array(number, 0);
        int huge = out.array(out.array(out.array(array, -1), -1), -1);
        Btf btf = out.read("test");
        assertThat(btf.sizeOf(0)).isZero();
        assertThat(btf.sizeOf(number)).isEqualTo(4);
        assertThat(btf.sizeOf(pointer)).isEqualTo(8);
        assertThat(btf.sizeOf(array)).isEqualTo(72);
        assertThat(btf.sizeOf(flexible)).isZero();
        assertThat(btf.sizeOf(huge)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whatItsCallerDoesToTheBytesLaterDoesNotMatter() throws BtfException {
        out.intType();
        byte[] raw = out.bytes();
        Btf btf = Btf.parse("test", raw);
        Arrays.fill(raw, (byte) 0xff);
        assertThat(btf.nameOf(1)).isEqualTo("int");
    }

    @Test
    void anIdOfNowhereIsTheCallersMistake() throws BtfException {
        out.intType();
        Btf btf = out.read("test");
        assertThatThrownBy(() -> btf.type(2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("type 2");
        assertThatThrownBy(() -> btf.kind(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void typesReadAsInC() throws BtfException {
        int number = out.intType();
        int inode = out.fwd("inode", false);
        int callback = out.ptr(out.proto(number, out.ptr(inode), number, 0));
        int table = out.array(out.ptr(number), 4);
        int row = out.ptr(out.array(number, 4));
        int tag = out.ptr(out.constant(out.enumeration("mode", "on", 1)));
        int nameless = out.union("", 4, m("a", number, 0));
        Btf btf = out.read("test");
        assertThat(TypeText.of(btf, callback)).isEqualTo("int (*)(struct inode *, int, ...)");
        assertThat(TypeText.of(btf, table)).isEqualTo("int *[4]");
        assertThat(TypeText.of(btf, row)).isEqualTo("int (*)[4]");
        assertThat(TypeText.of(btf, tag)).isEqualTo("enum mode *");
        assertThat(TypeText.of(btf, nameless)).isEqualTo("union {…}");
    }
}
