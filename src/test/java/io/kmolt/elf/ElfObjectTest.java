package io.kmolt.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ElfObjectTest {
    private static ElfObject synthetic() throws ElfException {
        return ElfObject.parse("synthetic.ko", SyntheticObject.bytes());
    }

    @Test
    void sectionsHaveWhatTheirHeadersSay() throws Exception {
        ElfObject object = synthetic();
        assertThat(object.sections())
                .extracting(ElfSection::name)
                .containsExactly(
                        "",
                        ".text",
                        ".rela.text",
                        ".data",
                        ".bss",
                        ".note.gnu.build-id",
                        ".modinfo",
                        "__versions",
                        ".group",
                        ".symtab",
                        ".strtab",
                        ".shstrtab");
        ElfSection text = object.section(".text").orElseThrow();
        assertThat(text.index()).isEqualTo(SyntheticObject.TEXT);
        assertThat(text.isAlloc()).isTrue();
        assertThat(text.isExec()).isTrue();
        assertThat(text.isWritable()).isFalse();
        assertThat(text.addralign()).isEqualTo(16);
        assertThat(object.content(text)).hasSize(32);
        assertThat(object.section(".data").orElseThrow().isWritable()).isTrue();
        assertThat(object.section(".nowhere")).isEmpty();
    }

    @Test
    void aSectionWithoutBytesInTheFileHasASizeAndNoContent() throws Exception {
        ElfObject object = synthetic();
        ElfSection bss = object.section(".bss").orElseThrow();
        assertThat(bss.isNobits()).isTrue();
        assertThat(bss.size()).isEqualTo(4096);
        assertThat(object.content(bss)).isEmpty();
        assertThat(object.content(object.sections().getFirst())).isEmpty();
    }

    @Test
    void symbolsHaveWhatTheirEntriesSay() throws Exception {
        ElfObject object = synthetic();
        assertThat(object.symbols()).hasSize(SyntheticObject.SYMBOLS);
        ElfSymbol init = object.symbols().get(SyntheticObject.INIT);
        assertThat(init)
                .isEqualTo(new ElfSymbol(
                        SyntheticObject.INIT,
                        "init_module",
                        Elf.STB_GLOBAL,
                        Elf.STT_FUNC,
                        0,
                        SyntheticObject.TEXT,
                        0,
                        16));
        assertThat(init.isFunction()).isTrue();
        assertThat(init.isGlobal()).isTrue();
        assertThat(init.isDefined()).isTrue();
        assertThat(object.symbols().get(1).isSection()).isTrue();
        assertThat(object.symbols().get(SyntheticObject.LOCAL).isLocal()).isTrue();
        assertThat(object.symbols().get(SyntheticObject.STATE).isWeak()).isTrue();
        assertThat(object.symbols().get(SyntheticObject.STATE).isObject()).isTrue();
        assertThat(object.symbols().get(SyntheticObject.PRINTK).isUndefined()).isTrue();
        assertThat(object.symbols().get(SyntheticObject.PRINTK).isDefined()).isFalse();
    }

    @Test
    void relocationsAreFoundByTheSectionThatTheyApplyTo() throws Exception {
        ElfObject object = synthetic();
        assertThat(object.relocations(SyntheticObject.TEXT))
                .containsExactly(
                        new ElfRelocation(4, Elf.R_X86_64_PLT32, SyntheticObject.PRINTK, -4),
                        new ElfRelocation(24, Elf.R_X86_64_64, SyntheticObject.STATE, 0));
        assertThat(object.relocations(SyntheticObject.DATA)).isEmpty();
        assertThat(object.relocations(SyntheticObject.RELA_TEXT)).isEmpty();
    }

    @Test
    void relocationsOfSeveralTablesFollowOneAnother() throws Exception {
        // As in a livepatch module: the loader applies one table, livepatch another.
        byte[] bytes = SyntheticObject.bytes();
        int data = SyntheticObject.header(SyntheticObject.DATA);
        SyntheticObject.le(bytes)
                .putInt(data + 4, Elf.SHT_RELA)
                .putLong(data + 32, 0)
                .putInt(data + 40, SyntheticObject.SYMTAB)
                .putInt(data + 44, SyntheticObject.TEXT)
                .putLong(data + 56, 24);
        // its symbol `state` and its place in the group are of no matter here, but must lie within an empty section
        SyntheticObject.le(bytes)
                .putLong(SyntheticObject.content(SyntheticObject.SYMTAB) + 24 * SyntheticObject.STATE + 16, 0);
        assertThat(ElfObject.parse("livepatch.ko", bytes).relocations(SyntheticObject.TEXT))
                .hasSize(2);
    }

    @Test
    void buildIdComesFromTheGnuNote() throws Exception {
        assertThat(synthetic().buildId())
                .hasValueSatisfying(id -> assertThat(id).containsExactly(1, 2, 3, 4));
    }

    @Test
    void modinfoKeepsOrderAndRepeatedKeys() throws Exception {
        ElfObject object = synthetic();
        assertThat(object.modinfo())
                .containsExactly(
                        entry("license", "GPL"),
                        entry("alias", "a"),
                        entry("alias", "b=c"),
                        entry("odd", ""),
                        entry("author", "Jör"));
        assertThat(object.modinfo("alias")).contains("a");
        assertThat(object.modinfo("vermagic")).isEmpty();
    }

    @Test
    void symbolVersionsAreNamesWithChecksums() throws Exception {
        assertThat(synthetic().symbolVersions())
                .containsExactly(new ModVersion("_printk", 0x9876_5432), new ModVersion("module_layout", 1));
    }

    @Test
    void anEmptyObjectHasASymbolTableAndNothingElse() {
        ElfObject object = ElfObject.empty("new.ko");
        assertThat(object.symbols()).hasSize(1);
        assertThat(object.sections())
                .extracting(ElfSection::name)
                .containsExactly("", ".symtab", ".strtab", ".shstrtab");
        assertThat(object.buildId()).isEmpty();
        assertThat(object.modinfo()).isEmpty();
        assertThat(object.symbolVersions()).isEmpty();
    }

    @Test
    void cannotBeChangedThroughWhatItTookOrGave() throws Exception {
        byte[] bytes = SyntheticObject.bytes();
        ElfObject object = ElfObject.parse("synthetic.ko", bytes);
        bytes[0] = 0;
        object.bytes()[0] = 0;
        object.buildId().orElseThrow()[0] = 0;
        assertThat(object.bytes()).isEqualTo(SyntheticObject.bytes());
        assertThat(object.buildId().orElseThrow()[0]).isEqualTo((byte) 1);
        assertThat(object.image().isReadOnly()).isTrue();
        assertThatThrownBy(() -> object.sections().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> object.relocations(1).clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void refusesToReadASectionOfAnotherObject() throws Exception {
        ElfSection foreign = ElfObject.empty("other.ko").sections().get(1);
        ElfObject object = synthetic();
        assertThatThrownBy(() -> object.content(foreign)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void readsFilesAndNamesThemInErrors(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("a.ko"), SyntheticObject.bytes());
        assertThat(ElfObject.read(file).bytes()).isEqualTo(SyntheticObject.bytes());
        Path text = Files.writeString(folder.resolve("b.ko"), "hello, world");
        assertThatThrownBy(() -> ElfObject.read(text))
                .isInstanceOf(ElfException.class)
                .hasMessage(text + ": offset 0x0: not an ELF file");
        assertThatThrownBy(() -> ElfObject.read(folder))
                .isInstanceOf(ElfException.class)
                .hasMessageContaining("regular");
        assertThatThrownBy(() -> ElfObject.read(Path.of("/dev/zero"))).isInstanceOf(ElfException.class);
        assertThatThrownBy(() -> ElfObject.read(folder.resolve("c.ko"))).isInstanceOf(NoSuchFileException.class);
    }
}
