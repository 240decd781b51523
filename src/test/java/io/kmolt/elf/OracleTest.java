package io.kmolt.elf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.fornwall.jelf.ElfFile;
import net.fornwall.jelf.ElfRelocationAddend;
import net.fornwall.jelf.ElfRelocationAddendSection;
import net.fornwall.jelf.ElfSectionHeader;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real modules, before and after edits, as two readers that are not ours see them: jelf and readelf. */
@Tag("corpus")
class OracleTest {
    static Stream<Path> everyFortiethModule() {
        List<Path> all = Corpus.modules(Corpus.BOOKWORM);
        return IntStream.range(0, all.size()).filter(i -> i % 40 == 0).mapToObj(all::get);
    }

    @ParameterizedTest
    @MethodSource("everyFortiethModule")
    void readsWhatJelfReads(Path path) throws Exception {
        assertReadsWhatJelfReads(ElfObject.read(path));
    }

    private static void assertReadsWhatJelfReads(ElfObject object) throws Exception {
        ElfFile jelf = ElfFile.from(object.bytes());
        assertThat(object.sections()).hasSize(Short.toUnsignedInt(jelf.e_shnum));
        for (ElfSection section : object.sections()) {
            ElfSectionHeader h = jelf.getSection(section.index()).header;
            ElfSection theirs = new ElfSection(
                    section.index(),
                    h.getName() == null ? "" : h.getName(),
                    h.sh_type,
                    h.sh_flags,
                    h.sh_addr,
                    h.sh_offset,
                    h.sh_size,
                    h.sh_link,
                    h.sh_info,
                    h.sh_addralign,
                    h.sh_entsize);
            assertThat(section).isEqualTo(theirs);
            if (jelf.getSection(section.index()) instanceof ElfRelocationAddendSection table) {
                List<ElfRelocation> entries = new ArrayList<>();
                for (ElfRelocationAddend r : table.relocations) {
                    entries.add(new ElfRelocation(r.r_offset, (int) r.getType(), r.getSymbolIndex(), r.r_addend));
                }
                assertThat(object.relocations(section.info())).isEqualTo(entries);
            }
        }
        net.fornwall.jelf.ElfSymbol[] symbols = jelf.getSymbolTableSection().symbols;
        assertThat(object.symbols()).hasSize(symbols.length);
        for (ElfSymbol ours : object.symbols()) {
            net.fornwall.jelf.ElfSymbol s = symbols[ours.index()];
            assertThat(ours)
                    .isEqualTo(new ElfSymbol(
                            ours.index(),
                            s.getName() == null ? "" : s.getName(),
                            s.getBinding(),
                            s.getType(),
                            s.st_other,
                            Short.toUnsignedInt(s.st_shndx),
                            s.st_value,
                            s.st_size));
        }
    }

    /** About what linking an update does to a module. */
    @ParameterizedTest
    @ValueSource(strings = {"minix", "ext4", "jbd2", "dummy", "kvm"})
    void aHeavilyEditedModuleReadsAsIntended(String name) throws Exception {
        ElfObject base = ElfObject.read(Corpus.module(Corpus.BOOKWORM, name));
        ElfEditor editor = new ElfEditor(base);
        ElfSection text = base.section(".text").orElseThrow();
        ElfSection modinfo = base.section(".modinfo").orElseThrow();
        editor.setContent(modinfo.index(), new byte[(int) modinfo.size() + 100]);
        base.section("__versions").ifPresent(s -> editor.renameSection(s.index(), ".kmolt.versions"));
        for (ElfSymbol symbol : base.symbols()) {
            if (symbol.isObject()) {
                editor.setSymbol(symbol.index(), symbol.absoluteAt(0xffff_ffff_c000_0000L + symbol.value()));
            }
        }
        int slots = editor.addSection(".kmolt.slots", Elf.SHT_PROGBITS, Elf.SHF_ALLOC, 8, new byte[64]);
        int stub = editor.addSymbol("kmolt_stub", Elf.STB_LOCAL, Elf.STT_FUNC, text.index(), 0, 1);
        editor.setRelocations(slots, List.of(new ElfRelocation(8, Elf.R_X86_64_64, stub, 3)));
        List<ElfRelocation> more = new ArrayList<>(base.relocations(text.index()));
        more.add(new ElfRelocation(0, Elf.R_X86_64_NONE, stub, 0));
        editor.setRelocations(text.index(), more);

        ElfObject built = ElfObject.parse(name, editor.build());

        assertThat(Readelf.complaints(built.bytes())).isEmpty();
        assertReadsWhatJelfReads(built);
        assertThat(referents(built, text.index()).subList(0, more.size() - 1)).isEqualTo(referents(base, text.index()));
        assertThat(referents(built, text.index()).getLast()).startsWith("kmolt_stub/");
        assertThat(referents(built, slots)).singleElement().asString().startsWith("kmolt_stub/");
        assertThat(built.content(built.section(".text").orElseThrow())).isEqualTo(base.content(text));
        assertThat(built.section(".text").orElseThrow().offset()).isEqualTo(text.offset());
    }

    /** What the relocations of a section refer to, in words that renumbering does not change. */
    private static List<String> referents(ElfObject object, int section) {
        return object.relocations(section).stream()
                .map(r -> {
                    ElfSymbol s = object.symbols().get(r.symbol());
                    return s.name() + "/" + s.type() + "/" + (s.isObject() ? "" : s.shndx()) + "/" + s.size() + "@"
                            + r.offset() + "+" + r.addend() + ":" + r.typeName();
                })
                .toList();
    }

    @Test
    void theOracleComplainsAboutDamage() throws Exception {
        byte[] bytes = SyntheticObject.bytes();
        SyntheticObject.le(bytes).putInt(SyntheticObject.header(SyntheticObject.SYMTAB) + 40, SyntheticObject.TEXT);
        assertThat(Readelf.complaints(bytes)).isNotEmpty();
    }
}
