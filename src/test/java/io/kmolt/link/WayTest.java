package io.kmolt.link;

import static io.kmolt.link.DescriptorTest.WAY_FLAGS;
import static io.kmolt.link.DescriptorTest.WAY_HOME;
import static io.kmolt.link.DescriptorTest.WAY_RANGES;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The ways from an update back to each build that it was linked on, so that any of these can be dropped. */
class WayTest {
    private static KernelModule two(int first, int second) {
        return TinyModule.compile("""
                int first(int x) { return import_a(x) * %d; }
                int second(int x) { return import_b(x) * %d; }
                """.formatted(first, second));
    }

    private static String name(LinkedUpdate linked, int way) {
        byte[] bytes = new byte[64];
        linked.descriptor().get(linked.way(way), bytes);
        return new String(bytes, StandardCharsets.US_ASCII).split("\0", 2)[0];
    }

    private static boolean used(LinkedUpdate linked, int way) {
        return linked.descriptor().getLong(linked.way(way) + WAY_FLAGS) == 1;
    }

    private static List<Long> starts(LinkedUpdate linked, int way, int array) {
        return linked.array(linked.way(way) + array, 2).stream()
                .map(List::getFirst)
                .toList();
    }

    @Test
    void thereIsOneToTheBaseAndOneToEachEditionThatLeadsToItsFunctions() throws LinkException {
        List<KernelModule> builds = List.of(two(5, 5), two(5, 7), two(9, 7), two(9, 5));
        LinkedUpdate linked = LinkedUpdate.linkChain(builds);
        assertThat(linked.descriptor().getLong(DescriptorTest.WAYS + 8)).isEqualTo(3);
        assertThat(List.of(name(linked, 0), name(linked, 1), name(linked, 2)))
                .containsExactly("", "kmolt_tiny_1", "kmolt_tiny_2");
        for (int way = 0; way < 3; way++) {
            KernelModule build = builds.get(way);
            var running = way == 0 ? linked.running() : SimulatedKernel.loadEdition(build, way);
            for (String function : List.of("first", "second")) {
                long there = running.address(build, build.item(function).orElseThrow())
                        .orElseThrow();
                assertThat(linked.array(linked.way(way) + WAY_HOME, 2))
                        .contains(List.of(linked.inUpdate(function), there));
            }
            assertThat(used(linked, way)).isFalse();
        }
    }

    @Test
    void whatMustBeEmptyOnEachIsWhatIsNotTheSameThere() throws LinkException {
        LinkedUpdate linked = LinkedUpdate.linkChain(List.of(two(5, 5), two(5, 7), two(9, 7), two(9, 5)));
        assertThat(starts(linked, 0, WAY_RANGES)).containsExactly(linked.inUpdate("first"));
        assertThat(starts(linked, 1, WAY_RANGES))
                .containsExactlyInAnyOrder(linked.inUpdate("first"), linked.inUpdate("second"));
        assertThat(starts(linked, 2, WAY_RANGES)).containsExactly(linked.inUpdate("second"));
    }

    private static KernelModule counting(String more, int factor) {
        return TinyModule.compile("""
                int calls;
                %s
                int work(int x) { calls++; return import_a(x) * %d; }
                """.formatted(more, factor));
    }

    private static final String EXTRA = """
            static int extra;
            int more(int x) { return extra += x; }
            """;

    @Test
    void anEditionIsUsedByThoseThatShareAVariableWithItAndNotByOthers() throws LinkException {
        KernelModule base = counting("", 5);
        KernelModule plain = counting("", 7);
        KernelModule bringing = counting(EXTRA, 9);
        LinkedUpdate sharing = LinkedUpdate.linkChain(List.of(base, plain, bringing, counting(EXTRA, 11)));
        assertThat(List.of(used(sharing, 0), used(sharing, 1), used(sharing, 2)))
                .containsExactly(false, false, true);
        // Whoever shares it later still uses the one that brought it, and not the one in between.
        LinkedUpdate later = LinkedUpdate.linkChain(List.of(base, bringing, counting(EXTRA, 11), counting(EXTRA, 13)));
        assertThat(List.of(used(later, 0), used(later, 1), used(later, 2))).containsExactly(false, true, false);
        LinkedUpdate without = LinkedUpdate.linkChain(List.of(base, plain, bringing, counting("", 11)));
        assertThat(List.of(used(without, 0), used(without, 1), used(without, 2)))
                .containsExactly(false, false, false);
    }

    @Test
    void whoGivesAwayTheAddressOfAnEditionsVariableStaysAndSoDoesThatEdition() throws LinkException {
        String handing = EXTRA + "int *hand(void) { return &extra; }";
        KernelModule base = counting("", 5);
        KernelModule bringing = counting(EXTRA, 7);
        assertThat(LinkedUpdate.linkChain(List.of(base, bringing)).update().sticky())
                .isEmpty();
        LinkedUpdate giving = LinkedUpdate.linkChain(List.of(base, bringing, counting(handing, 9)));
        assertThat(giving.update().sticky())
                .containsExactly("it takes the address of extra, which came with kmolt_tiny_1");
        assertThat(used(giving, 1)).isTrue();
    }
}
