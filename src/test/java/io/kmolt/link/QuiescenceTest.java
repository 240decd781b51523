package io.kmolt.link;

import static io.kmolt.link.DescriptorTest.COMMIT_RANGES;
import static io.kmolt.link.DescriptorTest.REDIRECTS;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparer;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Types;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Where no task may be: who changes, and who would go on to call the old code of it past its redirect. */
class QuiescenceTest {
    /** Each calls the one before it. Nothing but {@code bottom} differs between the two builds. */
    private static final String CHAIN = """
            static noinline %s int bottom(int x) { return import_a(x) * %d; }
            static noinline int caller(int x) { return bottom(x) + 1; }
            int callers_caller(int x) { return caller(x) + 2; }
            int other(int x) { return import_b(x) + 3; }
            """;

    private static Set<String> names(KernelModule module, List<List<Long>> ranges, LinkedUpdate linked) {
        return module.functions().stream()
                .filter(f -> ranges.stream().anyMatch(r -> r.getFirst() == address(linked, module, f)))
                .map(Item::name)
                .collect(Collectors.toSet());
    }

    private static long address(LinkedUpdate linked, KernelModule module, Item function) {
        return module == linked.base() ? linked.inBase(function.name()) : linked.inUpdate(function.name());
    }

    private static LinkedUpdate link(String attribute) throws LinkException {
        return LinkedUpdate.link(CHAIN.formatted(attribute, 5), CHAIN.formatted(attribute, 7));
    }

    @Test
    void whoCallsAChangedFunctionThatCannotBeRedirectedIsInTheWayAndWhoCallsThatOneThroughARedirectIsNot()
            throws LinkException {
        LinkedUpdate linked = link("notrace");
        assertThat(names(linked.base(), linked.array(COMMIT_RANGES, 2), linked))
                .containsExactlyInAnyOrder("bottom", "caller");
        assertThat(names(linked.edition(), linked.revertRanges(), linked))
                .containsExactlyInAnyOrder("bottom", "caller");
        assertThat(linked.array(REDIRECTS, 2)).noneMatch(r -> r.get(1) == linked.inUpdate("bottom"));
    }

    @Test
    void whoCallsAChangedFunctionThatIsRedirectedIsNotInTheWay() throws LinkException {
        LinkedUpdate linked = link("");
        assertThat(names(linked.base(), linked.array(COMMIT_RANGES, 2), linked)).containsExactly("bottom");
        assertThat(names(linked.edition(), linked.revertRanges(), linked)).containsExactly("bottom");
        assertThat(linked.array(REDIRECTS, 2)).anyMatch(r -> r.get(1) == linked.inUpdate("bottom"));
    }

    /** The caller's code is the same: it hands over and takes the same register either way. */
    @Test
    void aFunctionOfAnotherPrototypeIsNotRedirectedAndItsCallersAreInTheWay() {
        KernelModule base = TinyModule.compile(CHAIN.formatted("", 5));
        KernelModule edition = TinyModule.compile(CHAIN.formatted("", 5)
                .replace("int bottom(int x)", "unsigned bottom(unsigned x)")
                .replace("* 5", "* 7"));
        Types types = new Types() {
            @Override
            public List<Refusal> layoutDifferences() {
                return List.of();
            }

            @Override
            public Optional<String> prototypeDifference(String function) {
                return function.equals("bottom") ? Optional.of("takes another type") : Optional.empty();
            }
        };
        Layer layer = new Layer(SimulatedKernel.load(base), Comparer.compare(base, edition, types), types);
        assertThat(base.functions().stream().filter(layer::isChanged).map(Item::name))
                .containsExactly("bottom");
        assertThat(Quiescence.toCommit(layer, new Redirects(layer)::covers))
                .extracting(Item::name)
                .containsExactlyInAnyOrder("bottom", "caller");
    }

    @Test
    void aChainOfFunctionsThatCannotBeRedirectedIsInTheWayAsAWhole() throws LinkException {
        String chain = CHAIN.replace("noinline int caller", "noinline notrace int caller");
        LinkedUpdate linked = LinkedUpdate.link(chain.formatted("notrace", 5), chain.formatted("notrace", 7));
        assertThat(names(linked.base(), linked.array(COMMIT_RANGES, 2), linked))
                .containsExactlyInAnyOrder("bottom", "caller", "callers_caller");
    }
}
