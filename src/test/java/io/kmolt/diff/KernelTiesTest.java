package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.diff.Comparison.Change;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What only says for which kernel a build was made is no difference between builds for two kernels. */
class KernelTiesTest {
    private static KernelModule build(String release, String name, int id) {
        return TinyModule.compile(
                """
                static const char vermagic[] __attribute__((section(".modinfo"), used, aligned(1))) =
                    "vermagic=RELEASE SMP";
                static const unsigned id asm("__BTF_ID__func__f__LABEL") __attribute__((section(".BTF_ids"), used)) = ID;
                const char version[64] = "linux-RELEASE-tiny";
                void speaks(void) { printk("on RELEASE"); }
                char first(int i) { return version[i]; }
                unsigned knows(void) { return *(volatile const unsigned *)&id; }
                """.replace("RELEASE", release).replace("LABEL", name).replace("ID;", id + ";"));
    }

    private static List<String> differences(KernelModule old, KernelModule now) {
        Comparison comparison = Comparer.compare(old, now, Types.same());
        Twins twins = Twins.of(comparison);
        List<Item> all = new ArrayList<>(Comparison.with(comparison.functions(), Change.CHANGED));
        all.addAll(Comparison.with(comparison.objects(), Change.CHANGED));
        all.addAll(twins.without(Comparison.with(comparison.objects(), Change.GONE)));
        all.addAll(twins.without(comparison.newObjects()));
        return all.stream().map(Item::name).sorted().toList();
    }

    @Test
    void theReleaseAndTheIdsOfItsTypesDoNotCountBetweenTwoKernels() {
        assertThat(differences(build("6.1.0-55-amd64", "700", 5), build("6.1.0-56-amd64", "701", 6)))
                .isEmpty();
        assertThat(differences(build("6.1.0-9-amd64", "700", 5), build("6.1.0-9-amd64", "700", 5)))
                .isEmpty();
    }

    @Test
    void idsOfAnotherKernelAreNotBroughtIntoThisOne() {
        assertThat(reasons(build("6.1.0-55-amd64", "700", 5), build("6.1.0-56-amd64", "701", 6)))
                .containsExactly(Refusal.Kind.OTHER_KERNEL);
        assertThat(reasons(build("6.1.0-55-amd64", "700", 5), build("6.1.0-56-amd64", "701", 5)))
                .isEmpty();
        assertThat(reasons(build("6.1.0-55-amd64", "700", 5), build("6.1.0-55-amd64", "700", 6)))
                .doesNotContain(Refusal.Kind.OTHER_KERNEL);
    }

    private static List<Refusal.Kind> reasons(KernelModule old, KernelModule now) {
        return Comparer.compare(old, now, Types.same()).refusals().stream()
                .map(Refusal::kind)
                .toList();
    }

    @Test
    void forOneKernelIdsAreWhatTheyAre() {
        assertThat(differences(build("6.1.0-55-amd64", "700", 5), build("6.1.0-55-amd64", "700", 6)))
                .containsExactly("__BTF_ID__func__f__700", "knows");
    }

    @Test
    void theReleaseOfAThirdKernelIsATextLikeAnyOther() {
        KernelModule old = build("6.1.0-55-amd64", "700", 5);
        KernelModule now = TinyModule.compile("""
                static const char vermagic[] __attribute__((section(".modinfo"), used, aligned(1))) =
                    "vermagic=6.1.0-56-amd64 SMP";
                static const unsigned id asm("__BTF_ID__func__f__700") __attribute__((section(".BTF_ids"), used)) = 5;
                const char version[64] = "linux-6.1.0-56-amd64-tiny";
                void speaks(void) { printk("on 6.1.0-57-amd64"); }
                char first(int i) { return version[i]; }
                unsigned knows(void) { return *(volatile const unsigned *)&id; }
                """);
        assertThat(differences(old, now)).containsExactly("speaks");
    }
}
