package io.kmolt.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.kmolt.elf.Elf;
import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfObject;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a module's file says about who refers to what. */
class KernelModuleTest {
    private static final KernelModule MODULE = TinyModule.compile("""
            struct ops { int (*open)(int); const char *label; };
            static int before[4], number;
            static long after[3], wide, first __attribute__((aligned(16)));
            static short little;
            static char flag;
            static const int table[4] = { 1, 2, 3, 4 };
            static noinline int callee(int x) { return import_a(x) + 1; }
            static int opener(int x) { return import_b(x) + 2; }
            const struct ops ops = { opener, "label" };
            int *kept;
            void store_long(void) { number = 5; }
            void store_short(void) { asm("movw $5, %0" : "=m"(little)); }
            void store_byte(void) { flag = 1; }
            int uses(int i) { after[i] = before[i] = i; return little + flag + ++wide + ++first; }
            int load(void) { return number + 1; }
            int indexed(int i) { return table[i]; }
            long indexed_from_one(long i) { asm("movq %c2 - 8(, %1, 8), %0" : "=r"(i) : "r"(i), "i"(after)); return i; }
            int *address(void) { return &number; }
            int calls(int x) { return callee(x) + 1; }
            int imports(int x) { return import_a(x) + 1; }
            void speaks(void) { printk("spoken %d", 5); }
            notrace int untraced(int x) { return import_b(x) + 9; }
            int loops(void) { int s = 0; for (int i = 0; i < 4; i++) { s += import_a(before[i]); } return s; }
            int __init init_module(void) { number = 7; return 0; }
            void __exit cleanup_module(void) { number = 0; }
            """);

    private static Item item(KernelModule module, String name) {
        return module.item(name).orElseThrow();
    }

    /** All that a function refers to, but for its hook for the tracer. */
    private static List<Reference> references(String function) {
        return MODULE.references(item(MODULE, function)).stream()
                .filter(r -> !r.referent().equals(new Referent.Import("__fentry__")))
                .toList();
    }

    @ParameterizedTest(name = "{0} means {1}")
    @CsvSource({
        "store_long, number, -8",
        "store_short, little, -6",
        "store_byte, flag, -5",
        "load, number, -4",
    })
    void anAccessIsToTheVariableHoweverFarBehindTheFieldTheInstructionEnds(
            String function, String variable, long addend) {
        assertThat(references(function)).singleElement().satisfies(reference -> {
            assertThat(reference.use()).isEqualTo(Reference.Use.ACCESS);
            assertThat(reference.referent()).isEqualTo(new Referent.InItem(item(MODULE, variable), 0));
            assertThat(reference.doubtful()).isFalse();
            // The assembler counts from the section; else the test would not be about finding the variable again.
            assertThat(reference.relocation()).isNotNull().satisfies(r -> {
                assertThat(MODULE.elf().symbols().get(r.symbol()).isSection()).isTrue();
                assertThat(r.addend() - item(MODULE, variable).offset()).isEqualTo(addend);
            });
        });
    }

    @Test
    void anIndexedAccessIsToTheTableThatBeginsThereUnlessItIsToALaterOne() {
        assertThat(references("indexed"))
                .extracting(Reference::use, Reference::referent, Reference::doubtful)
                .containsExactly(tuple(Reference.Use.ACCESS, new Referent.InItem(item(MODULE, "table"), 0), true));
    }

    /** As the compiler addresses {@code after[i - 1]} in a loop. */
    @Test
    void theOriginOfAnIndexedAccessIsDoubtfulIfASingleVariableStandsThere() {
        Item wide = item(MODULE, "wide");
        assertThat(wide.end()).isEqualTo(item(MODULE, "after").offset());
        assertThat(references("indexed_from_one"))
                .extracting(Reference::referent, Reference::doubtful)
                .containsExactly(tuple(new Referent.InItem(wide, 0), true));
    }

    @Test
    void anAddressThatCodeTakesIsNotAnAccess() {
        assertThat(references("address"))
                .extracting(Reference::use, Reference::referent)
                .containsExactly(tuple(Reference.Use.ADDRESS, new Referent.InItem(item(MODULE, "number"), 0)));
    }

    @Test
    void aCallThatTheAssemblerHasResolvedIsFoundInTheCode() {
        assertThat(references("calls"))
                .extracting(Reference::use, Reference::referent, Reference::relocation)
                .containsExactly(tuple(Reference.Use.BRANCH, new Referent.InItem(item(MODULE, "callee"), 0), null));
    }

    @Test
    void aCallOfTheKernelIsAnImport() {
        assertThat(references("imports"))
                .extracting(Reference::use, Reference::referent)
                .containsExactly(tuple(Reference.Use.BRANCH, new Referent.Import("import_a")));
    }

    @Test
    void aStringIsItsText() {
        assertThat(references("speaks"))
                .filteredOn(r -> r.referent() instanceof Referent.Literal)
                .extracting(r -> ((Referent.Literal) r.referent()).text())
                .containsExactly("spoken %d");
    }

    @Test
    void aJumpWithinAFunctionRefersToNothing() {
        assertThat(references("loops"))
                .noneMatch(r -> r.use() == Reference.Use.BRANCH && r.referent() instanceof Referent.InItem);
    }

    @Test
    void aTableHoldsFunctionsAndStringsAsWords() {
        assertThat(MODULE.references(item(MODULE, "ops")))
                .satisfiesExactly(
                        open -> {
                            assertThat(open.use()).isEqualTo(Reference.Use.WORD);
                            assertThat(open.referent()).isEqualTo(new Referent.InItem(item(MODULE, "opener"), 0));
                        },
                        label -> assertThat(label.referent())
                                .isInstanceOfSatisfying(
                                        Referent.Literal.class,
                                        l -> assertThat(l.text()).isEqualTo("label")));
    }

    @Test
    void everyFunctionHasATracerSiteButThoseWithout() {
        assertThat(FtraceSites.of(MODULE))
                .containsEntry(item(MODULE, "load"), 0L)
                .containsEntry(item(MODULE, "callee"), 0L)
                .doesNotContainKey(item(MODULE, "untraced"));
    }

    @Test
    void whatASectionIsForIsKnownOfEveryItem() {
        assertThat(List.of("load", "init_module", "cleanup_module", "number", "table", "__this_module"))
                .extracting(name -> item(MODULE, name).kind())
                .containsExactly(
                        SectionKind.TEXT,
                        SectionKind.INIT_TEXT,
                        SectionKind.EXIT_TEXT,
                        SectionKind.STATE,
                        SectionKind.DEFINITION,
                        SectionKind.THIS_MODULE);
        assertThat(MODULE.functions()).extracting(Item::name).doesNotContain("init_module");
    }

    @ParameterizedTest(name = "{0} is a {1}")
    @CsvSource({
        "count, false, count, false, false",
        "count.12, false, count, true, false",
        "__UNIQUE_ID_license123, false, __UNIQUE_ID_license, true, false",
        "__UNIQUE_ID_ddebug418.6, false, __UNIQUE_ID_ddebug, true, false",
        "__BTF_ID__func__bbr_init__8241160, false, __BTF_ID__func__bbr_init, true, false",
        "work, true, work, false, false",
        "work.cold, true, work.cold, false, true",
        "work.isra.0, true, work.isra.0, false, true",
        "work.constprop.0.isra.0, true, work.constprop.0.isra.0, false, true",
    })
    void aNameIsReadAsTheCompilerMadeIt(String name, boolean function, String stem, boolean numbered, boolean clone) {
        Item item = new Item(1, name, function, false, 1, SectionKind.TEXT, 0, 4);
        assertThat(item.stem()).isEqualTo(stem);
        assertThat(item.isNumbered()).isEqualTo(numbered);
        assertThat(item.isClone()).isEqualTo(clone);
    }

    @Test
    void theBuildIdIsThatOfTheNote() {
        assertThat(MODULE.buildId()).hasValueSatisfying(id -> assertThat(id).matches("[0-9a-f]{40}"));
    }

    @Test
    void aSignatureBehindTheImageIsNotPartOfTheModule() throws Exception {
        byte[] image = TinyModule.build("signed", List.of(), "int number;");
        byte[] signed = ByteBuffer.allocate(image.length + 5 + 12 + 28)
                .put(image)
                .put("12345".getBytes(StandardCharsets.US_ASCII))
                .put(new byte[8])
                .putInt(5)
                .put("~Module signature appended~\n".getBytes(StandardCharsets.US_ASCII))
                .array();
        assertThat(Signature.size(signed)).isEqualTo(5 + 12 + 28);
        assertThat(KernelModule.parse("signed.ko", signed).elf().bytes()).isEqualTo(image);
    }

    /** An object with what makes a module, and nothing else. */
    private static ElfEditor moduleInCode() {
        ElfEditor editor = new ElfEditor(ElfObject.empty("made.ko"));
        editor.addSection(
                ".modinfo", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, "name=made-up\0".getBytes(StandardCharsets.US_ASCII));
        editor.addSection(
                ".gnu.linkonce.this_module", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_WRITE, 64, new byte[128]);
        return editor;
    }

    @Test
    void aModuleIsNamedAsTheKernelNamesIt() throws Exception {
        assertThat(KernelModule.parse("made.ko", moduleInCode().build()).name()).isEqualTo("made_up");
    }

    @Test
    void anObjectWithoutStructModuleIsNoModule() {
        assertThatThrownBy(() -> KernelModule.parse("plain.o", new ElfEditor(ElfObject.empty("plain.o")).build()))
                .isInstanceOf(ModuleException.class)
                .hasMessageContaining("plain.o")
                .hasMessageContaining("not a kernel module");
    }

    @ParameterizedTest
    @ValueSource(strings = {"__brand_new", ".data.mine", ".rodata.mine", ".text..mine", ".rodata.cst16"})
    void aLoadedSectionThatNobodyKnowsIsRefusedByName(String name) {
        ElfEditor editor = moduleInCode();
        // Not merged, so that .rodata.cst16 is not what it is called.
        editor.addSection(name, Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 1, new byte[8]);
        assertThatThrownBy(() -> KernelModule.parse("made.ko", editor.build()))
                .isInstanceOf(ModuleException.class)
                .hasMessageContaining("section " + name + " is unknown");
    }

    @Test
    void aSectionThatIsNotLoadedMayHaveAnyName() throws Exception {
        ElfEditor editor = moduleInCode();
        int section = editor.addSection(".whatever", Elf.SHT_PROGBITS, 0, 1, new byte[8]);
        assertThat(KernelModule.parse("made.ko", editor.build()).kind(section)).isEqualTo(SectionKind.FILE_ONLY);
    }

    @Test
    void bytesThatAreNoInstructionAreRefusedWithTheFunctionsName() {
        ElfEditor editor = moduleInCode();
        int text = editor.addSection(
                ".text", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, 16, new byte[] {0x06, 0x06});
        editor.addSymbol("nonsense", Elf.STB_GLOBAL, Elf.STT_FUNC, text, 0, 2);
        assertThatThrownBy(() -> KernelModule.parse("made.ko", editor.build()))
                .isInstanceOf(ModuleException.class)
                .hasMessageContaining("nonsense");
    }
}
