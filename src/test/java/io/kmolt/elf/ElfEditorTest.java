package io.kmolt.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ElfEditorTest {
    private final ElfObject base = parse(SyntheticObject.bytes());
    private ElfEditor editor = new ElfEditor(base);

    @BeforeEach
    void open() {
        editor = new ElfEditor(base);
    }

    private static ElfObject parse(byte[] bytes) {
        try {
            return ElfObject.parse("synthetic.ko", bytes);
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
    }

    private ElfObject build() throws Exception {
        byte[] built = editor.build();
        assertThat(Readelf.complaints(built)).isEmpty();
        return parse(built);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** All sections but those named are at their old places with their old bytes. */
    private void assertUntouchedExcept(ElfObject built, String... touched) {
        for (ElfSection before : base.sections()) {
            if (!Set.of(touched).contains(before.name())) {
                ElfSection after = built.sections().get(before.index());
                assertThat(after.offset()).as(before.name()).isEqualTo(before.offset());
                assertThat(built.content(after)).as(before.name()).isEqualTo(base.content(before));
            }
        }
    }

    private static String name(ElfObject object, int symbol) {
        return object.symbols().get(symbol).name();
    }

    @Test
    void withoutEditsTheResultIsTheInput() throws Exception {
        assertThat(editor.build()).isEqualTo(SyntheticObject.bytes());
    }

    @Test
    void editsToWhatIsThereAlreadyChangeNothing() throws Exception {
        for (ElfSection section : base.sections().subList(1, base.sections().size())) {
            editor.renameSection(section.index(), section.name());
            editor.setFlags(section.index(), section.flags());
            editor.setRelocations(section.index(), base.relocations(section.index()));
        }
        editor.setContent(SyntheticObject.DATA, base.content(base.sections().get(SyntheticObject.DATA)));
        base.symbols().stream().skip(1).forEach(s -> editor.setSymbol(s.index(), s));
        assertThat(editor.build()).isEqualTo(SyntheticObject.bytes());
    }

    @Test
    void whatFollowsTheLastStructureStaysUnlessSomethingChanges() throws Exception {
        byte[] plain = SyntheticObject.bytes();
        byte[] signed = Arrays.copyOf(plain, plain.length + 28);
        System.arraycopy(ascii("~Module signature appended~\n"), 0, signed, plain.length, 28);
        ElfObject object = parse(signed);
        assertThat(new ElfEditor(object).build()).isEqualTo(signed);

        ElfEditor change = new ElfEditor(object);
        change.setFlags(SyntheticObject.DATA, Elf.SHF_ALLOC);
        byte[] changed = change.build();
        assertThat(changed).hasSize(plain.length);
        ElfEditor growth = new ElfEditor(object);
        growth.addSection(".more", Elf.SHT_PROGBITS, 0, 64, new byte[4]);
        assertThat(new String(growth.build(), StandardCharsets.ISO_8859_1)).doesNotContain("signature");
    }

    @Test
    void renamesASection() throws Exception {
        editor.renameSection(SyntheticObject.DATA, ".kmolt.dropped");
        ElfObject built = build();
        assertThat(built.section(".data")).isEmpty();
        ElfSection renamed = built.section(".kmolt.dropped").orElseThrow();
        assertThat(renamed.index()).isEqualTo(SyntheticObject.DATA);
        assertThat(built.content(renamed)).isEqualTo(ascii("state of the module"));
        assertUntouchedExcept(built, ".shstrtab");
    }

    @Test
    void changesFlagsInPlace() throws Exception {
        editor.setFlags(SyntheticObject.DATA, Elf.SHF_ALLOC);
        byte[] built = editor.build();
        assertThat(built).hasSize(SyntheticObject.bytes().length);
        assertThat(parse(built).sections().get(SyntheticObject.DATA).isWritable())
                .isFalse();
        assertUntouchedExcept(parse(built));
    }

    @Test
    void contentsThatFitStayInTheirPlace() throws Exception {
        editor.setContent(SyntheticObject.DATA, ascii("short data"));
        ElfObject built = build();
        ElfSection data = built.section(".data").orElseThrow();
        assertThat(data.offset())
                .isEqualTo(base.sections().get(SyntheticObject.DATA).offset());
        assertThat(built.content(data)).isEqualTo(ascii("short data"));
        assertThat(new String(built.bytes(), StandardCharsets.ISO_8859_1)).doesNotContain("module\0\0\0");
        assertUntouchedExcept(built, ".data");
    }

    @Test
    void contentsThatOutgrowTheirPlaceMoveToTheEnd() throws Exception {
        byte[] grown = ascii("a state that takes a little more room than before");
        editor.setContent(SyntheticObject.DATA, grown);
        ElfObject built = build();
        ElfSection data = built.section(".data").orElseThrow();
        assertThat(built.content(data)).isEqualTo(grown);
        assertThat(data.offset()).isGreaterThanOrEqualTo(SyntheticObject.bytes().length);
        assertThat(new String(built.bytes(), StandardCharsets.ISO_8859_1)).doesNotContain("state of the module");
        assertUntouchedExcept(built, ".data");
    }

    @Test
    void addsASection() throws Exception {
        int index = editor.addSection(".kmolt.slots", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 64, new byte[] {1, 2, 3});
        int other =
                editor.addSection(".kmolt.text", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, 16, new byte[5]);
        ElfObject built = build();
        ElfSection section = built.section(".kmolt.slots").orElseThrow();
        assertThat(section.index()).isEqualTo(index).isEqualTo(base.sections().size());
        assertThat(other).isEqualTo(index + 1);
        assertThat(section.offset() % 64).isZero();
        assertThat(section.addralign()).isEqualTo(64);
        assertThat(built.content(section)).containsExactly(1, 2, 3);
        assertThat(built.sections().get(other).isExec()).isTrue();
        assertUntouchedExcept(built, ".shstrtab");
    }

    @Test
    void addsASectionWithoutBytesInTheFile() throws Exception {
        int index =
                editor.addSection(".kmolt.bss", Elf.SHT_NOBITS, Elf.SHF_ALLOC | Elf.SHF_WRITE, 4096, new byte[10_000]);
        ElfSection section = build().sections().get(index);
        assertThat(section.isNobits()).isTrue();
        assertThat(section.size()).isEqualTo(10_000);
        assertThat(editor.build()).hasSizeLessThan(SyntheticObject.bytes().length + 6000);
    }

    @Test
    void nobitsBecomesZerosAndBack() throws Exception {
        editor.setType(SyntheticObject.BSS, Elf.SHT_PROGBITS);
        ElfObject built = build();
        assertThat(built.content(built.section(".bss").orElseThrow())).isEqualTo(new byte[4096]);
        assertUntouchedExcept(built, ".bss");

        ElfEditor back = new ElfEditor(built);
        back.setType(SyntheticObject.BSS, Elf.SHT_NOBITS);
        ElfSection bss = parse(back.build()).section(".bss").orElseThrow();
        assertThat(bss.isNobits()).isTrue();
        assertThat(bss.size()).isEqualTo(4096);
    }

    @Test
    void mergeableSectionsHaveAnEntrySize() throws Exception {
        int index = editor.addSection(
                ".kmolt.str", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_MERGE | Elf.SHF_STRINGS, 1, ascii("a\0b\0"));
        editor.setEntsize(index, 1);
        ElfSection section = build().sections().get(index);
        assertThat(section.entsize()).isEqualTo(1);
        assertThat(section.isMergeable()).isTrue();
        assertThat(section.isStrings()).isTrue();
    }

    @Test
    void makesASymbolAbsolute() throws Exception {
        ElfSymbol state = base.symbols().get(SyntheticObject.STATE);
        editor.setSymbol(state.index(), state.absoluteAt(0xffff_ffff_c012_3450L));
        byte[] bytes = editor.build();
        assertThat(bytes).hasSize(SyntheticObject.bytes().length);
        ElfSymbol built = build().symbols().get(state.index());
        assertThat(built.isAbsolute()).isTrue();
        assertThat(built.value()).isEqualTo(0xffff_ffff_c012_3450L);
        assertThat(built.name()).isEqualTo("state");
        assertUntouchedExcept(parse(bytes), ".symtab");
    }

    @Test
    void renamesASymbol() throws Exception {
        editor.setSymbol(
                SyntheticObject.INIT, editor.symbol(SyntheticObject.INIT).withName("kmolt_init"));
        ElfObject built = build();
        assertThat(name(built, SyntheticObject.INIT)).isEqualTo("kmolt_init");
        assertThat(built.relocations(SyntheticObject.TEXT)).isEqualTo(base.relocations(SyntheticObject.TEXT));
        assertUntouchedExcept(built, ".symtab", ".strtab");
    }

    @Test
    void namesThatAreThereAlreadyAreUsedAgain() throws Exception {
        editor.addSymbol("state", Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0);
        ElfObject built = build();
        assertThat(built.section(".strtab").orElseThrow().size())
                .isEqualTo(base.section(".strtab").orElseThrow().size());
    }

    @Test
    void newGlobalSymbolsComeLast() throws Exception {
        int first = editor.addSymbol("kmolt_enroll", Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0);
        int second = editor.addSymbol("kmolt_init", Elf.STB_GLOBAL, Elf.STT_FUNC, SyntheticObject.TEXT, 8, 8);
        ElfObject built = build();
        assertThat(first).isEqualTo(SyntheticObject.SYMBOLS);
        assertThat(name(built, first)).isEqualTo("kmolt_enroll");
        assertThat(name(built, second)).isEqualTo("kmolt_init");
        assertThat(built.relocations(SyntheticObject.TEXT)).isEqualTo(base.relocations(SyntheticObject.TEXT));
        assertUntouchedExcept(built, ".symtab", ".strtab");
    }

    @Test
    void newLocalSymbolsGoBeforeTheGlobalOnesAndEverythingFollows() throws Exception {
        int global = editor.addSymbol("kmolt_enroll", Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0);
        int local = editor.addSymbol("stub", Elf.STB_LOCAL, Elf.STT_FUNC, SyntheticObject.TEXT, 0, 4);
        editor.setRelocations(
                SyntheticObject.DATA,
                List.of(
                        new ElfRelocation(0, Elf.R_X86_64_64, local, 0),
                        new ElfRelocation(8, Elf.R_X86_64_64, global, 5)));
        ElfObject built = build();

        assertThat(built.symbols())
                .extracting(ElfSymbol::name)
                .containsExactly("", "", "helper", "stub", "init_module", "state", "_printk", "kmolt_enroll");
        assertThat(built.symbolTable().orElseThrow().info()).isEqualTo(4);
        List<ElfRelocation> text = built.relocations(SyntheticObject.TEXT);
        assertThat(name(built, text.get(0).symbol())).isEqualTo("_printk");
        assertThat(name(built, text.get(1).symbol())).isEqualTo("state");
        List<ElfRelocation> data = built.relocations(SyntheticObject.DATA);
        assertThat(data).extracting(r -> name(built, r.symbol())).containsExactly("stub", "kmolt_enroll");
        assertThat(data).extracting(ElfRelocation::addend).containsExactly(0L, 5L);
        assertUntouchedExcept(built, ".symtab", ".strtab", ".shstrtab", ".rela.text");
    }

    @Test
    void aGroupsSignatureFollowsItsSymbol() throws Exception {
        ElfSymbol helper = base.symbols().get(SyntheticObject.LOCAL);
        editor.setSymbol(
                helper.index(),
                new ElfSymbol(0, "helper", Elf.STB_GLOBAL, Elf.STT_FUNC, Elf.STV_HIDDEN, SyntheticObject.TEXT, 16, 16));
        ElfObject built = build();
        ElfSection group = built.section(".group").orElseThrow();
        assertThat(name(built, group.info())).isEqualTo("helper");
        assertThat(built.symbols().get(group.info()).visibility()).isEqualTo(Elf.STV_HIDDEN);
        assertThat(built.symbolTable().orElseThrow().info()).isEqualTo(2);
    }

    @Test
    void refusesToRenumberUnderASectionThatItDoesNotUnderstand() throws Exception {
        byte[] bytes = SyntheticObject.bytes();
        SyntheticObject.le(bytes)
                .putInt(SyntheticObject.header(SyntheticObject.DATA) + 4, 0x6fff_4c03) // .llvm_addrsig
                .putInt(SyntheticObject.header(SyntheticObject.DATA) + 40, SyntheticObject.SYMTAB);
        ElfEditor llvm = new ElfEditor(parse(bytes));
        llvm.addSymbol("stub", Elf.STB_GLOBAL, Elf.STT_NOTYPE, Elf.SHN_UNDEF, 0, 0);
        assertThat(parse(llvm.build()).symbols()).hasSize(SyntheticObject.SYMBOLS + 1);
        llvm.addSymbol("stub", Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, 0, 0);
        assertThatThrownBy(llvm::build)
                .isInstanceOf(ElfException.class)
                .hasMessageContaining("section .data")
                .hasMessageContaining("symbols by number");
    }

    @Test
    void replacesRelocations() throws Exception {
        ElfRelocation only = new ElfRelocation(8, Elf.R_X86_64_PC32, SyntheticObject.INIT, -8);
        editor.setRelocations(SyntheticObject.TEXT, List.of(only));
        ElfObject built = build();
        assertThat(built.relocations(SyntheticObject.TEXT)).containsExactly(only);
        assertUntouchedExcept(built, ".rela.text");
    }

    @Test
    void relocationsMayOutgrowTheirPlaceOrGo() throws Exception {
        ElfRelocation one = new ElfRelocation(8, Elf.R_X86_64_PC32, SyntheticObject.INIT, -8);
        editor.setRelocations(SyntheticObject.TEXT, List.of(one, one, one, one));
        assertThat(build().relocations(SyntheticObject.TEXT)).containsExactly(one, one, one, one);
        editor.setRelocations(SyntheticObject.TEXT, List.of());
        assertThat(build().relocations(SyntheticObject.TEXT)).isEmpty();
    }

    @Test
    void aSectionWithoutRelocationsGetsATable() throws Exception {
        int index = editor.addSection(".kmolt.slots", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 8, new byte[16]);
        ElfRelocation slot = new ElfRelocation(8, Elf.R_X86_64_64, SyntheticObject.INIT, 0);
        editor.setRelocations(index, List.of(slot));
        ElfObject built = build();
        ElfSection rela = built.section(".rela.kmolt.slots").orElseThrow();
        assertThat(rela.info()).isEqualTo(index);
        assertThat(rela.flags()).isEqualTo(Elf.SHF_INFO_LINK);
        assertThat(built.relocations(index)).containsExactly(slot);
        editor.setRelocations(index, List.of(slot, slot));
        assertThat(build().relocations(index)).containsExactly(slot, slot);
    }

    @Test
    void anObjectIsMadeFromNothing() throws Exception {
        editor = new ElfEditor(ElfObject.empty("new.ko"));
        int text = editor.addSection(".text", Elf.SHT_PROGBITS, Elf.SHF_ALLOC | Elf.SHF_EXECINSTR, 16, new byte[16]);
        int section = editor.addSymbol("", Elf.STB_LOCAL, Elf.STT_SECTION, text, 0, 0);
        int main = editor.addSymbol("main", Elf.STB_GLOBAL, Elf.STT_FUNC, text, 0, 16);
        editor.setRelocations(
                text,
                List.of(
                        new ElfRelocation(0, Elf.R_X86_64_PC32, section, -4),
                        new ElfRelocation(8, Elf.R_X86_64_64, main, 0)));
        ElfObject built = build();
        assertThat(built.symbols()).extracting(ElfSymbol::name).containsExactly("", "", "main");
        assertThat(built.relocations(text)).hasSize(2);
    }

    @Test
    void buildsTheSameTwiceAndGoesOnFromThere() throws Exception {
        editor.addSymbol("stub", Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, 1, 0);
        editor.addSection(".kmolt", Elf.SHT_PROGBITS, 0, 1, new byte[3]);
        byte[] once = editor.build();
        assertThat(editor.build()).isEqualTo(once);
        assertThat(new ElfEditor(parse(once)).build()).isEqualTo(once);
    }

    @Test
    void editsThatDoNotAddUpAreRefused() {
        editor.setContent(SyntheticObject.TEXT, new byte[8]);
        assertThatThrownBy(editor::build)
                .isInstanceOf(ElfException.class)
                .hasMessageContaining("reaches beyond the end");

        open();
        editor.setRelocations(SyntheticObject.DATA, List.of(new ElfRelocation(16, Elf.R_X86_64_64, 1, 0)));
        assertThatThrownBy(editor::build)
                .isInstanceOf(ElfException.class)
                .hasMessageContaining("writes beyond the end");

        open();
        editor.setRelocations(SyntheticObject.DATA, List.of(new ElfRelocation(0, Elf.R_X86_64_64, 99, 0)));
        assertThatThrownBy(editor::build).isInstanceOf(ElfException.class).hasMessageContaining("does not exist");

        open();
        editor.addSymbol("lost", Elf.STB_GLOBAL, Elf.STT_FUNC, 77, 0, 0);
        assertThatThrownBy(editor::build).isInstanceOf(ElfException.class).hasMessageContaining("lies in section 77");

        open();
        editor.addSection(".crooked", Elf.SHT_PROGBITS, 0, 3, new byte[3]);
        assertThatThrownBy(editor::build).isInstanceOf(ElfException.class).hasMessageContaining("alignment");
    }

    @Test
    void moreSectionsThanCanBeNumberedAreRefused() {
        editor = new ElfEditor(ElfObject.empty("big.ko"));
        for (int i = 0; i < Elf.SHN_LORESERVE; i++) {
            editor.addSection(".s" + i, Elf.SHT_PROGBITS, 0, 1, new byte[0]);
        }
        assertThatThrownBy(editor::build)
                .isInstanceOf(ElfException.class)
                .hasMessageContaining("more than can be numbered");
    }

    @Test
    void wrongArgumentsAreRefusedAtOnce() {
        assertThatThrownBy(() -> editor.renameSection(99, ".a")).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> editor.setFlags(0, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.renameSection(1, "a\0b")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.setContent(SyntheticObject.SYMTAB, new byte[0]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.setContent(SyntheticObject.BSS, new byte[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.setType(SyntheticObject.RELA_TEXT, Elf.SHT_PROGBITS))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.setSymbol(0, base.symbols().get(1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> editor.addSymbol("a", 16, 0, 0, 0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
