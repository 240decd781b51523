package io.kmolt.link;

import static io.kmolt.link.DescriptorTest.COMMIT_RANGES;
import static io.kmolt.link.DescriptorTest.REDIRECTS;
import static io.kmolt.link.DescriptorTest.SLOTS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.diff.Refusal;
import io.kmolt.module.Item;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the code and the tables of an update lead. */
class LinkerTest {
    private static final String SOURCE = """
            struct ops { int (*open)(int); int (*tick)(int); int (*raw)(int); const char *label; };
            static int number, table[8];
            static long after[3], wide, first __attribute__((aligned(16)));
            static short little;
            static char flag;
            int (*kept)(int);
            int *kept_address;
            static int opener(int x) { return import_a(x) + 5; }
            static int timer(int x) { return import_b(x) - 6; }
            const struct ops ops = { opener, timer, import_a, "label" };
            struct ops writable = { opener };
            void store_long(void) { number = 5; }
            void store_short(void) { asm("movw $5, %0" : "=m"(little)); }
            void store_byte(void) { flag = 1; }
            int load(void) { return number + 1; }
            int indexed(long i) { return table[i]; }
            long indexed_from_one(long i) { asm("movq %c2 - 8(, %1, 8), %0" : "=r"(i) : "r"(i), "i"(after)); return i; }
            int *address(void) { return &number; }
            void arms(void) { kept = timer; }
            void speaks(void) { printk("spoken %d", 5); }
            static noinline int callee(int x) { return import_a(x) * 9; }
            int calls(int x) { return callee(x) + 1; }
            int uses(int i) { table[i] = after[i] = i; return little + flag + ++wide + ++first; }
            int work(int x) { return import_a(x) * 1000; }
            """;

    /** Other code, and a new variable before all others, so that none stays where it was. */
    private static final String CHANGED = SOURCE.replace("* 1000", "* 1001")
                    .replace("import_a, \"label\"", "import_b, \"label\"")
                    .replace("\"spoken %d\", 5", "\"spoken %d\", 6")
            + "static long extra[8]; long *extra_address(void) { extra[5]++; return extra; }";

    private static LinkedUpdate linked;

    @BeforeAll
    static void link() throws LinkException {
        linked = LinkedUpdate.link(SOURCE, CHANGED);
    }

    /** {@code indexed_from_one} is as the compiler addresses {@code after[i - 1]} in a loop. */
    @ParameterizedTest(name = "{0} leads to {1}")
    @CsvSource({
        "store_long, number, 8",
        "store_short, little, 6",
        "store_byte, flag, 5",
        "load, number, 4",
        "indexed, table, 0",
        "indexed_from_one, after, 8",
        "address, number, 0",
    })
    void codeOfTheUpdateWorksOnTheVariablesOfTheBase(String function, String variable, long distance) {
        Item before = linked.base().item(variable).orElseThrow();
        assertThat(linked.edition().item(variable).orElseThrow().offset()).isNotEqualTo(before.offset());
        assertThat(linked.targets(function)).containsExactly(linked.inBase(variable) - distance);
    }

    @Test
    void aNewVariableIsTheUpdatesOwnAndMakesItStay() {
        assertThat(linked.targets("extra_address"))
                .contains(linked.inUpdate("extra"))
                .allMatch(t -> t >= linked.inUpdate("extra") && t < linked.inUpdate("extra") + 64);
        assertThat(linked.update().sticky()).anyMatch(reason -> reason.contains("extra"));
    }

    @Test
    void aFunctionWhoseAddressCodeTakesIsTheBasesInCodeAndInTables() {
        assertThat(linked.targets("arms")).contains(linked.inBase("timer")).doesNotContain(linked.inUpdate("timer"));
        assertThat(linked.array(SLOTS, 4))
                .noneMatch(slot -> slot.get(0) == linked.inBase("ops") + 8)
                .noneMatch(slot -> slot.get(2) == linked.inUpdate("timer"));
    }

    /** The loop over the table is all that refers to it: code loads the pointers, and takes no address. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "&opener                | its own table_of_it names its function opener",
                "&fresh                 | its own table_of_it names its function fresh",
                "\"of the update\"       | its own table_of_it names the new string \"of the update\"",
                "&own                   | its own table_of_it names its own own",
                "(char []){ 1, 2, 3 }   | its own table_of_it names its own __compound_literal.0",
            })
    void whatATableOfTheUpdateNamesMayBeHandedOutAndMakesItStay(String word, String why) throws LinkException {
        assertThat(withTable(word).update().sticky()).contains(why);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"label\"", "&number", "&import_a", "(void *)5"})
    void whatTheKernelHasAnywayDoesNot(String word) throws LinkException {
        assertThat(withTable(word).update().sticky()).noneMatch(why -> why.contains("table_of_it"));
    }

    private static LinkedUpdate withTable(String word) throws LinkException {
        return LinkedUpdate.link(SOURCE, SOURCE.replace("* 1000", "* 1001") + """
                        static long own; static int fresh(int x) { return import_a(x) + 77; }
                        static void *const table_of_it[] __attribute__((section(".rodata.table_of_it"))) = { %s, (void *)1, (void *)&number };
                        void *load_it(long i) { own++; if (i > 5) fresh(i); return table_of_it[i]; }
                        """.formatted(word));
    }

    @Test
    void aCallStaysWithinTheUpdate() {
        Item calls = linked.edition().item("calls").orElseThrow();
        Item callee = linked.edition().item("callee").orElseThrow();
        // Both are in one section and the assembler has resolved the call, which so leads to the update's own copy.
        assertThat(calls.section()).isEqualTo(callee.section());
        assertThat(linked.targets("calls")).isEmpty();
    }

    @Test
    void aTableLeadsToTheNewCodeDirectly() {
        assertThat(linked.array(SLOTS, 4))
                .contains(List.of(linked.inBase("ops"), linked.inBase("opener"), linked.inUpdate("opener"), 0L));
    }

    @Test
    void aWordOfAWritableTableIsWrittenOnlyIfItIsAsInTheFile() {
        assertThat(linked.array(SLOTS, 4))
                .contains(List.of(linked.inBase("writable"), linked.inBase("opener"), linked.inUpdate("opener"), 1L));
    }

    @Test
    void anImportInATableIsLeftToTheLoader() {
        List<List<Long>> slots = linked.array(SLOTS, 4);
        int row = slots.indexOf(List.of(linked.inBase("ops") + 16, 0L, 0L, 0L));
        assertThat(row).isNotNegative();
        long at = 528 + row * 32L;
        assertThat(linked.importsOfDescriptor())
                .containsEntry(at + 8, "import_a")
                .containsEntry(at + 16, "import_b");
    }

    @Test
    void slotsAreSortedAndAligned() {
        List<Long> addresses =
                linked.array(SLOTS, 4).stream().map(List::getFirst).toList();
        assertThat(addresses).hasSize(3).isSorted().doesNotHaveDuplicates().allMatch(a -> a % 8 == 0);
    }

    @Test
    void anEqualStringIsTheBases() {
        assertThat(linked.targets("speaks"))
                .singleElement()
                .satisfies(target -> assertThat(linked.textInBase(target)).isEqualTo("spoken %d"));
        assertThat(linked.update().sticky()).noneMatch(reason -> reason.contains("string"));
    }

    @Test
    void anUpdateThatOnlyComputesOtherwiseNeedNotStay() throws LinkException {
        String source = "int work(int x) { printk(\"said\"); return import_a(x) * %d; }";
        assertThat(LinkedUpdate.link(source.formatted(5), source.formatted(7))
                        .update()
                        .sticky())
                .isEmpty();
    }

    @Test
    void aNewStringMakesTheUpdateStay() throws LinkException {
        String source = "int work(int x) { printk(\"%s\"); return import_a(x) * 5; }";
        assertThat(LinkedUpdate.link(source.formatted("said"), source.formatted("shouted"))
                        .update()
                        .sticky())
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("shouted");
    }

    @Test
    void redirectsAreSortedAndLeadToTheSameFunctionOfTheUpdateAndBack() {
        List<List<Long>> redirects = linked.array(REDIRECTS, 2);
        List<List<Long>> home = linked.home();
        assertThat(redirects).extracting(List::getFirst).isSorted().doesNotHaveDuplicates();
        assertThat(home).extracting(List::getFirst).isSorted().doesNotHaveDuplicates();
        for (String function : List.of("work", "timer", "opener", "load", "callee")) {
            // Both sites are the first instruction of their function.
            assertThat(redirects).contains(List.of(linked.inBase(function), linked.inUpdate(function)));
            assertThat(home).contains(List.of(linked.inUpdate(function), linked.inBase(function)));
        }
        assertThat(home).noneMatch(row -> row.getFirst() == linked.inUpdate("extra_address"));
    }

    /** A changed function, one that sleeps and then calls it, a caller of that, and one that has nothing to do with it. */
    private static String sleeping(String attribute, int factor) {
        return """
                %s static noinline int leaf(int x) { return import_a(x) * %d; }
                noinline int sleeper(int x) { import_b(x); return leaf(x) + 1; }
                int above(int x) { return sleeper(x) + 1; }
                int bystander(int x) { return import_b(x) + 1; }
                """.formatted(attribute, factor);
    }

    @Test
    void aSleeperThatWouldCallTheOldCopyOfAChangedFunctionBlocks() throws LinkException {
        LinkedUpdate update = LinkedUpdate.link(sleeping("notrace", 5), sleeping("notrace", 7));
        assertThat(update.array(COMMIT_RANGES, 2))
                .extracting(List::getFirst)
                .containsExactly(update.inBase("leaf"), update.inBase("sleeper"));
    }

    @Test
    void aSleeperThatWouldBeRedirectedDoesNotBlock() throws LinkException {
        LinkedUpdate update = LinkedUpdate.link(sleeping("", 5), sleeping("", 7));
        long start = update.inBase("leaf");
        long size = update.base().item("leaf").orElseThrow().size();
        assertThat(update.array(COMMIT_RANGES, 2)).containsExactly(List.of(start, start + size));
    }

    @Test
    void rangesToBeEmptyAreSorted() throws LinkException {
        StringBuilder source = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            source.append("int work_%d(int x) { return import_a(x) * FACTOR + %d; }\n".formatted(i, 1000 + i));
        }
        LinkedUpdate update = LinkedUpdate.link("#define FACTOR 5\n" + source, "#define FACTOR 7\n" + source);
        assertThat(update.array(COMMIT_RANGES, 2))
                .hasSize(40)
                .extracting(List::getFirst)
                .isSorted();
        assertThat(update.revertRanges()).hasSize(40).extracting(List::getFirst).isSorted();
    }

    @Test
    void aStoredPointerToAChangedFunctionThatCannotBeRedirectedIsRefused() {
        String source = """
                int (*kept)(int);
                notrace static int timer(int x) { return import_a(x) * %d; }
                void arms(void) { kept = timer; }
                """;
        assertRefused(source.formatted(5), source.formatted(7), Refusal.Kind.STALE_POINTER, "timer");
    }

    /** {@code reads} is as the compiler addresses {@code table[i - 1]}, whose elements have 16 bytes. */
    private static final String WIDE = """
            struct pair { long a, b; };
            %s
            long uses(long i) { single.a += i; single.b ^= single.a; table[i].a += ++number[i]; return single.b; }
            %s
            """;

    private static final String READS = """
            long reads(long i) { asm("movq %%c2 - 16(, %%1, 8), %%0" : "=r"(i) : "r"(2 * i), "i"(table)); return i * %d; }
            """;

    private static final String APART =
            "static struct pair table[3] = {{ 1 }}; static long number[2] = { 2 }; static struct pair single = { 3 };";
    private static final String ADJACENT =
            "static struct pair table[3] = {{ 1 }}; static struct pair single = { 3 }; static long number[2] = { 2 };";

    @Test
    void anAccessThatBeginsBeforeItsTableIsTakenAsTheSameFunctionOfTheBaseMeansIt() throws LinkException {
        LinkedUpdate update = LinkedUpdate.link(
                WIDE.formatted(APART, READS.formatted(5)), WIDE.formatted(ADJACENT, READS.formatted(7)));
        Item single = update.edition().item("single").orElseThrow();
        assertThat(single.end())
                .isEqualTo(update.edition().item("table").orElseThrow().offset());
        assertThat(update.targets("reads")).containsExactly(update.inBase("table") - 16);
    }

    @Test
    void anAccessThatBeginsBeforeItsTableInANewFunctionIsRefused() {
        assertRefused(
                WIDE.formatted(APART, ""),
                WIDE.formatted(ADJACENT, READS.formatted(7)),
                Refusal.Kind.DOUBTFUL_REFERENCE,
                "reads");
    }

    private static void assertRefused(String before, String after, Refusal.Kind kind, String subject) {
        assertThatThrownBy(() -> LinkedUpdate.link(before, after))
                .isInstanceOfSatisfying(
                        LinkException.class,
                        e -> assertThat(e.refusals()).anySatisfy(refusal -> {
                            assertThat(refusal.kind()).isEqualTo(kind);
                            assertThat(refusal.subject()).isEqualTo(subject);
                        }));
    }
}
