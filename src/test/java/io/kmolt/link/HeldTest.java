package io.kmolt.link;

import static io.kmolt.link.DescriptorTest.COMMIT_RANGES;
import static io.kmolt.link.DescriptorTest.REDIRECTS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmolt.diff.Refusal;
import io.kmolt.module.TinyModule;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Functions whose ftrace sites somebody else has. */
class HeldTest {
    private static final String SOURCE = """
            noinline int held(int x) { return import_a(x); }
            noinline int other(int x) { return import_b(x); }
            int caller(int x) { return held(x) + 1; }
            int bystander(int x) { return other(x) + 1; }
            """;

    private static final Held HELD =
            new Held(Map.of("held", "livepatch (fix)"), List.of(new Held.Code(0x5000, 0x6000)));

    private static LinkedUpdate link(String source, Held held) throws LinkException {
        return LinkedUpdate.link(TinyModule.compile(source), TinyModule.compile(source), held);
    }

    private static List<Long> starts(LinkedUpdate update, int array) {
        return update.array(array, 2).stream().map(List::getFirst).toList();
    }

    @Test
    void isNotRedirected() throws LinkException {
        LinkedUpdate update = link(SOURCE, HELD);
        assertThat(starts(update, REDIRECTS))
                .doesNotContain(update.inBase("held"))
                .contains(update.inBase("other"), update.inBase("caller"), update.inBase("bystander"));
        LinkedUpdate free = link(SOURCE, Held.NONE);
        assertThat(starts(free, REDIRECTS)).contains(free.inBase("held"));
    }

    @Test
    void nobodyMayBeInItOrInItsCallersOrInWhatAnswersInItsPlace() throws LinkException {
        LinkedUpdate update = link(SOURCE, HELD);
        assertThat(starts(update, COMMIT_RANGES))
                .containsExactlyInAnyOrder(0x5000L, update.inBase("held"), update.inBase("caller"));
        assertThat(update.revertRanges()).extracting(List::getFirst).containsExactly(update.inUpdate("held"));
        assertThat(starts(link(SOURCE, Held.NONE), COMMIT_RANGES)).isEmpty();
    }

    @Test
    void aPointerToItThatIsKeptSomewhereIsRefusedByTheNameOfWhoHasIt() {
        String source = SOURCE + "int (*kept)(int); void arms(void) { kept = held; }";
        LinkException no = catchThrowableOfType(LinkException.class, () -> link(source, HELD));
        assertThat(no).isNotNull();
        assertThat(no.refusals())
                .filteredOn(r -> r.kind() == Refusal.Kind.STALE_POINTER)
                .isNotEmpty()
                .allSatisfy(r -> {
                    assertThat(r.subject()).isEqualTo("held");
                    assertThat(r.reason()).contains("livepatch (fix) has its ftrace site until it is detached");
                });
    }
}
