package io.kmolt.btf;

import static io.kmolt.btf.BtfWriter.m;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Which type of one build is compared with which of the other. */
class LayoutDiffMatchingTest {
    private static final int INT = 1;
    private static final int LONG = 2;

    @Test
    void aTypeOfOneBuildOnlyIsNoDifference() throws BtfException {
        assertThat(lines(w -> w.struct("gone", 4, m("a", INT, 0)), w -> w.struct("fresh", 4, m("a", INT, 0))))
                .isEmpty();
    }

    @Test
    void aTypeOfOneBuildOnlyShowsWhereItIsUsed() throws BtfException {
        assertThat(lines(
                        w -> w.struct("s", 4, m("a", w.struct("gone", 4, m("a", INT, 0)), 0)),
                        w -> w.struct("s", 4, m("a", w.struct("fresh", 4, m("a", INT, 0)), 0))))
                .containsExactly("struct s: member a: type struct gone → struct fresh");
    }

    @Test
    void aTypeThatMovedIntoTheBaseIsStillFound() throws BtfException {
        assertThat(lines(
                        base(_ -> {}),
                        w -> w.struct("s", 8, m("a", INT, 0)),
                        base(w -> w.struct("s", 8, m("a", INT, 0))),
                        _ -> {}))
                .isEmpty();
        assertThat(lines(
                        base(w -> w.struct("s", 8, m("a", INT, 0))),
                        _ -> {},
                        base(_ -> {}),
                        w -> w.struct("s", 8, m("a", INT, 4))))
                .containsExactly("struct s: member a: offset 0 → 4 bytes");
    }

    @Test
    void theModulesOwnTypeComesBeforeTheBasesOfThatName() throws BtfException {
        BtfWriter base = base(w -> w.struct("s", 4, m("other", INT, 0)));
        assertThat(lines(base, w -> w.struct("s", 8, m("a", INT, 0)), base, w -> w.struct("s", 8, m("a", INT, 0))))
                .isEmpty();
    }

    @Test
    void typesOfTheBaseCountWhereTheyAreEmbedded() throws BtfException {
        Consumer<BtfWriter> module = w -> {
            w.struct("embeds", 8, m("lock", 3, 0));
            w.struct("points", 8, m("lock", w.ptr(3), 0));
        };
        assertThat(lines(
                        base(w -> w.struct("lock", 8, m("owner", INT, 0))),
                        module,
                        base(w -> w.struct("lock", 8, m("owner", INT, 4))),
                        module))
                .containsExactly("struct lock: member owner: offset 0 → 4 bytes");
        assertThat(lines(
                        base(w -> w.struct("lock", 8, m("owner", INT, 0))),
                        w -> w.struct("points", 8, m("lock", w.ptr(3), 0)),
                        base(w -> w.struct("lock", 8, m("owner", INT, 4))),
                        w -> w.struct("points", 8, m("lock", w.ptr(3), 0))))
                .isEmpty();
    }

    @Test
    void twinsInAnyOrderAreMatchedByTheirMembers() throws BtfException {
        assertThat(lines(
                        w -> {
                            w.struct("twin", 4, m("a", INT, 0));
                            w.struct("twin", 8, m("b", LONG, 0));
                        },
                        w -> {
                            w.struct("twin", 8, m("b", LONG, 0));
                            w.struct("twin", 4, m("a", INT, 0));
                        }))
                .isEmpty();
    }

    @Test
    void theOneTwinThatChangedIsComparedWithTheOneThatIsLeft() throws BtfException {
        assertThat(lines(
                        w -> {
                            w.struct("twin", 4, m("a", INT, 0));
                            w.struct("twin", 16, m("b", LONG, 0));
                        },
                        w -> {
                            w.struct("twin", 16, m("b", LONG, 8));
                            w.struct("twin", 4, m("a", INT, 0));
                        }))
                .containsExactly("struct twin: member b: offset 0 → 8 bytes");
    }

    @Test
    void twinsThatAreEqualCountAsOne() throws BtfException {
        assertThat(lines(
                        w -> {
                            w.struct("twin", 8, m("a", INT, 0));
                            w.struct("twin", 8, m("a", INT, 0));
                        },
                        w -> {
                            w.struct("twin", 8, m("a", INT, 4));
                            w.struct("twin", 8, m("a", INT, 4));
                            w.struct("twin", 8, m("a", INT, 4));
                        }))
                .containsExactly("struct twin: member a: offset 0 → 4 bytes");
    }

    @Test
    void twinsThatBothChangedAreAmbiguous() throws BtfException {
        List<LayoutDifference> found = compare(
                base(_ -> {}),
                w -> {
                    w.struct("twin", 16, m("a", INT, 0));
                    w.struct("twin", 16, m("b", LONG, 0));
                },
                base(_ -> {}),
                w -> {
                    w.struct("twin", 16, m("b", LONG, 8));
                    w.struct("twin", 16, m("a", INT, 4));
                });
        assertThat(found).hasSize(2).allMatch(LayoutDifference::ambiguous);
        assertThat(found.stream().map(LayoutDifference::describe))
                .containsExactly(
                        "struct twin: member a: offset 0 → 4 bytes (uncertain: the nearest of several candidates)",
                        "struct twin: member b: offset 0 → 8 bytes (uncertain: the nearest of several candidates)");
    }

    @Test
    void aTwinThatVanishedOrAppearedIsAmbiguous() throws BtfException {
        Consumer<BtfWriter> one = w -> w.struct("twin", 8, m("a", INT, 0));
        Consumer<BtfWriter> both = one.andThen(w -> w.struct("twin", 8, m("a", INT, 4)));
        assertThat(lines(both, one))
                .containsExactly(
                        "struct twin: member a: offset 4 → 0 bytes (uncertain: the nearest of several candidates)");
        assertThat(lines(one, both))
                .containsExactly(
                        "struct twin: member a: offset 0 → 4 bytes (uncertain: the nearest of several candidates)");
    }

    @Test
    void anEmbeddedTwinIsTheOneThatIsEmbedded() throws BtfException {
        assertThat(lines(
                        w -> {
                            int first = w.struct("twin", 8, m("a", INT, 0));
                            w.struct("twin", 8, m("a", INT, 4));
                            w.struct("s", 8, m("t", first, 0));
                        },
                        w -> {
                            w.struct("twin", 8, m("a", INT, 0));
                            int second = w.struct("twin", 8, m("a", INT, 4));
                            w.struct("s", 8, m("t", second, 0));
                        }))
                .containsExactly("struct twin: member a: offset 0 → 4 bytes");
    }

    @Test
    void namelessTypesThatNoNamedOneLeadsToAreMatchedByTheirMembers() throws BtfException {
        assertThat(lines(
                        w -> {
                            w.struct("", 8, m("x", INT, 0), m("y", INT, 4));
                            w.struct("", 8, m("p", LONG, 0));
                        },
                        w -> {
                            w.struct("", 8, m("p", LONG, 0));
                            w.struct("", 12, m("x", INT, 0), m("y", INT, 8));
                        }))
                .containsExactly(
                        "struct {x, y}: size 8 → 12 bytes (uncertain: the nearest of several candidates)",
                        "struct {x, y}: member y: offset 4 → 8 bytes (uncertain: the nearest of several candidates)");
    }

    @Test
    void namelessTypesThatOnlyArraysAndPointersLeadToCountAsUnused() throws BtfException {
        assertThat(lines(
                        w -> w.array(w.ptr(w.struct("", 16, m("in", w.struct("", 8, m("x", INT, 0)), 8))), 4),
                        w -> w.array(w.ptr(w.struct("", 16, m("in", w.struct("", 8, m("x", INT, 4)), 8))), 4)))
                .containsExactly(
                        "struct {in}: member in.x: offset 8 → 12 bytes (uncertain: the nearest of several candidates)");
    }

    @Test
    void namelessTypesThatLeadToEachOtherAreNotForgotten() throws BtfException {
        assertThat(lines(w -> circle(w, 0), w -> circle(w, 4))).isNotEmpty();
        assertThat(lines(w -> circle(w, 0), w -> circle(w, 0))).isEmpty();
    }

    private static void circle(BtfWriter w, int offset) {
        int here = w.next();
        w.struct("", 16, m("a", INT, offset), m("that", here + 3, 8));
        w.struct("", 16, m("b", INT, 0), m("this", here + 2, 8));
        w.ptr(here);
        w.ptr(here + 1);
    }

    @Test
    void namelessTypesWithNothingInCommonAreNotCompared() throws BtfException {
        assertThat(lines(w -> w.struct("", 4, m("x", INT, 0)), w -> w.struct("", 8, m("z", LONG, 0))))
                .isEmpty();
    }

    @Test
    void onlyWhatCanBeReachedIsComparedIfThatIsAskedFor() throws BtfException {
        BtfWriter old = base(w -> tree(w, 0));
        BtfWriter now = base(w -> tree(w, 4));
        Btf before = old.read("old.ko");
        Btf after = now.read("new.ko");
        assertThat(LayoutDiff.compare(before, after, Scope.owned()))
                .extracting(LayoutDifference::type)
                .containsExactly("struct leaf", "struct stray");
        assertThat(LayoutDiff.compare(before, after, Scope.reachableFrom(List.of("struct root"))))
                .extracting(LayoutDifference::type)
                .containsExactly("struct leaf");
        assertThat(LayoutDiff.compare(before, after, Scope.reachableFrom(List.of("union root"))))
                .isEmpty();
    }

    private static void tree(BtfWriter w, int offset) {
        int leaf = w.struct("leaf", 8, m("a", INT, offset));
        int branch = w.struct("branch", 8, m("leaf", w.ptr(leaf), 0));
        w.struct("root", 8, m("branch", w.ptr(w.constant(branch)), 0));
        w.struct("stray", 8, m("a", INT, offset));
    }

    private static List<String> lines(Consumer<BtfWriter> old, Consumer<BtfWriter> now) throws BtfException {
        return lines(base(_ -> {}), old, base(_ -> {}), now);
    }

    private static List<String> lines(
            BtfWriter oldBase, Consumer<BtfWriter> old, BtfWriter newBase, Consumer<BtfWriter> now)
            throws BtfException {
        return compare(oldBase, old, newBase, now).stream()
                .map(LayoutDifference::describe)
                .toList();
    }

    private static List<LayoutDifference> compare(
            BtfWriter oldBase, Consumer<BtfWriter> old, BtfWriter newBase, Consumer<BtfWriter> now)
            throws BtfException {
        BtfWriter before = oldBase.split();
        BtfWriter after = newBase.split();
        old.accept(before);
        now.accept(after);
        return LayoutDiff.compare(
                before.read("old.ko", oldBase.read("old vmlinux")),
                after.read("new.ko", newBase.read("new vmlinux")),
                Scope.owned());
    }

    private static BtfWriter base(Consumer<BtfWriter> more) {
        BtfWriter writer = new BtfWriter();
        writer.intType();
        writer.longType();
        more.accept(writer);
        return writer;
    }
}
