package io.kmolt.btf;

import static io.kmolt.btf.BtfWriter.m;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;

/** When a call that was compiled for one function may reach another. */
class FunctionPrototypesTest {
    private static final int INT = 1;
    private static final int LONG = 2;

    @Test
    void prototypesReadAsInC() throws BtfException {
        Btf btf = with(w -> w.proto(w.ptr(w.fwd("inode", false)), INT, w.ptr(w.constant(LONG)), 0));
        assertThat(FunctionPrototypes.prototype(btf, "f").map(Prototype::toString))
                .contains("struct inode *f(int, long int *, ...)");
        assertThat(FunctionPrototypes.prototype(with(w -> w.proto(0)), "f").map(Prototype::toString))
                .contains("void f(void)");
        assertThat(FunctionPrototypes.prototype(btf, "g")).isEmpty();
    }

    @Test
    void equalPrototypesAreCompatible() throws BtfException {
        assertThat(difference(w -> w.proto(INT, INT, LONG), w -> w.proto(INT, INT, LONG)))
                .isEmpty();
    }

    @Test
    void qualifiersTypedefsAndDefinednessDoNotCount() throws BtfException {
        assertThat(difference(
                        w -> w.proto(INT, w.ptr(w.fwd("inode", false)), INT),
                        w -> w.proto(
                                w.typedef("s32", INT),
                                w.constant(w.ptr(w.constant(w.struct("inode", 8, m("a", INT, 0))))),
                                w.typedef("s32", INT))))
                .isEmpty();
    }

    @Test
    void theNumberOfParametersCounts() throws BtfException {
        assertThat(difference(w -> w.proto(0, INT), w -> w.proto(0, INT, INT)))
                .contains("1 and 2 parameters: void f(int), in old.ko; void f(int, int) in new.ko");
    }

    @Test
    void theResultCounts() throws BtfException {
        assertThat(difference(w -> w.proto(0), w -> w.proto(INT)).orElseThrow())
                .startsWith("different results: void f");
    }

    @Test
    void sizeAndSignOfParametersCount() throws BtfException {
        assertThat(difference(w -> w.proto(0, INT, INT), w -> w.proto(0, INT, LONG))
                        .orElseThrow())
                .startsWith("parameter 2 differs");
        assertThat(difference(w -> w.proto(0, INT), w -> w.proto(0, w.integer("unsigned int", 4, 0))))
                .isPresent();
    }

    @Test
    void whatAPointerPointsToCounts() throws BtfException {
        assertThat(difference(
                        w -> w.proto(0, w.ptr(w.fwd("inode", false))), w -> w.proto(0, w.ptr(w.fwd("dentry", false)))))
                .isPresent();
        assertThat(difference(w -> w.proto(0, w.ptr(w.fwd("x", false))), w -> w.proto(0, w.ptr(w.fwd("x", true)))))
                .isPresent();
        assertThat(difference(w -> w.proto(0, w.ptr(0)), w -> w.proto(0, w.ptr(INT))))
                .isPresent();
    }

    @Test
    void prototypesOfFunctionPointersCount() throws BtfException {
        assertThat(difference(w -> w.proto(0, w.ptr(w.proto(INT, LONG))), w -> w.proto(0, w.ptr(w.proto(INT, INT)))))
                .isPresent();
    }

    @Test
    void dotsCount() throws BtfException {
        assertThat(difference(w -> w.proto(0, INT), w -> w.proto(0, INT, 0)).orElseThrow())
                .startsWith("only one of them takes a variable number");
    }

    @Test
    void membersOfAStructurePassedByValueCount() throws BtfException {
        assertThat(difference(
                        w -> w.proto(0, w.struct("pair", 16, m("a", LONG, 0), m("b", LONG, 8))),
                        w -> w.proto(0, w.struct("pair", 16, m("a", LONG, 0), m("b", INT, 8)))))
                .isPresent();
    }

    @Test
    void anUnknownFunctionIsCompatibleWithNothing() throws BtfException {
        Btf old = with(w -> w.proto(0));
        Btf none = new BtfWriter().read("new.ko");
        assertThat(FunctionPrototypes.incompatibility(old, "f", none, "f")).contains("new.ko does not describe f");
        assertThat(FunctionPrototypes.compatible(old, "f", none, "f")).isFalse();
        assertThat(FunctionPrototypes.incompatibility(none, "f", old, "f")).contains("new.ko does not describe f");
    }

    @Test
    void functionsOfOneNameMustAgree() throws BtfException {
        BtfWriter writer = basics();
        writer.function("f", writer.proto(0, INT));
        writer.function("f", writer.proto(0, LONG));
        writer.function("g", writer.proto(0, INT));
        writer.function("g", writer.proto(0, INT));
        Btf btf = writer.read("old.ko");
        assertThat(FunctionPrototypes.prototype(btf, "f")).isEmpty();
        assertThat(FunctionPrototypes.incompatibility(btf, "f", btf, "f"))
                .contains("old.ko has several functions f that differ");
        assertThat(FunctionPrototypes.compatible(btf, "g", btf, "g")).isTrue();
    }

    private static Optional<String> difference(ToIntFunction<BtfWriter> old, ToIntFunction<BtfWriter> now)
            throws BtfException {
        BtfWriter before = basics();
        BtfWriter after = basics();
        before.function("f", old.applyAsInt(before));
        after.function("f", now.applyAsInt(after));
        return FunctionPrototypes.incompatibility(before.read("old.ko"), "f", after.read("new.ko"), "f");
    }

    private static Btf with(ToIntFunction<BtfWriter> proto) throws BtfException {
        BtfWriter writer = basics();
        writer.function("f", proto.applyAsInt(writer));
        return writer.read("old.ko");
    }

    private static BtfWriter basics() {
        BtfWriter writer = new BtfWriter();
        writer.intType();
        writer.longType();
        return writer;
    }
}
