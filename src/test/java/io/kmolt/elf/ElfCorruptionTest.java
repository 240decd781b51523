package io.kmolt.elf;

import static io.kmolt.elf.SyntheticObject.BSS;
import static io.kmolt.elf.SyntheticObject.BUILD_ID;
import static io.kmolt.elf.SyntheticObject.DATA;
import static io.kmolt.elf.SyntheticObject.GROUP;
import static io.kmolt.elf.SyntheticObject.INIT;
import static io.kmolt.elf.SyntheticObject.MODINFO;
import static io.kmolt.elf.SyntheticObject.RELA_TEXT;
import static io.kmolt.elf.SyntheticObject.SHSTRTAB;
import static io.kmolt.elf.SyntheticObject.STATE;
import static io.kmolt.elf.SyntheticObject.STRTAB;
import static io.kmolt.elf.SyntheticObject.SYMTAB;
import static io.kmolt.elf.SyntheticObject.TEXT;
import static io.kmolt.elf.SyntheticObject.VERSIONS;
import static io.kmolt.elf.SyntheticObject.content;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is wrong with a file is said with its section and its offset. */
class ElfCorruptionTest {
    private static final String NO_SECTION = "";

    // Members of Elf64_Shdr, Elf64_Sym and Elf64_Rela, by their offsets.
    private static final int SH_NAME = 0;
    private static final int SH_TYPE = 4;
    private static final int SH_OFFSET = 24;
    private static final int SH_SIZE = 32;
    private static final int SH_LINK = 40;
    private static final int SH_INFO = 44;
    private static final int SH_ALIGN = 48;
    private static final int SH_ENTSIZE = 56;

    private static Arguments field(String section, String problem, Consumer<ByteBuffer> damage) {
        return arguments(section, problem, damage);
    }

    private static Arguments header(String section, String problem, int index, int member, int value) {
        return field(section, problem, b -> b.putInt(SyntheticObject.header(index) + member, value));
    }

    private static Arguments wideHeader(String section, String problem, int index, int member, long value) {
        return field(section, problem, b -> b.putLong(SyntheticObject.header(index) + member, value));
    }

    private static Arguments relocation(String problem, int member, long value) {
        return field(".rela.text", problem, b -> b.putLong(content(RELA_TEXT) + member, value));
    }

    static Stream<Arguments> damages() {
        int init = content(SYMTAB) + 24 * INIT;
        return Stream.of(
                field(NO_SECTION, "not an ELF file", b -> b.put(0, (byte) 0)),
                field(NO_SECTION, "ELF class is 1; kmolt works with 2 (64-bit)", b -> b.put(4, (byte) 1)),
                field(NO_SECTION, "data encoding is 2; kmolt works with 1 (little-endian)", b -> b.put(5, (byte) 2)),
                field(NO_SECTION, "ELF version is 0", b -> b.put(6, (byte) 0)),
                field(NO_SECTION, "object type is 2; kmolt works with 1 (relocatable)", b -> b.putShort(16, (short) 2)),
                field(NO_SECTION, "machine is 183; kmolt works with 62 (x86-64)", b -> b.putShort(18, (short) 183)),
                field(NO_SECTION, "ELF version is 2", b -> b.putInt(20, 2)),
                field(NO_SECTION, "there is no section header table", b -> b.putLong(40, 0)),
                field(NO_SECTION, "reaches beyond the end of the file", b -> b.putLong(40, b.limit() - 63)),
                field(NO_SECTION, "reaches beyond the end of the file", b -> b.putLong(40, -64)),
                field(NO_SECTION, "reaches beyond the end of the file", b -> b.putLong(40, Long.MAX_VALUE)),
                field(NO_SECTION, "ELF header size is 52", b -> b.putShort(52, (short) 52)),
                field(NO_SECTION, "section header size is 40", b -> b.putShort(58, (short) 40)),
                field(NO_SECTION, "extended section numbering", b -> b.putShort(60, (short) 0)),
                field(NO_SECTION, "extended section numbering", b -> b.putShort(60, (short) 0xff00)),
                field(NO_SECTION, "reaches beyond the end of the file", b -> b.putShort(60, (short) 0xfeff)),
                field(NO_SECTION, "extended section numbering", b -> b.putShort(62, (short) 0xffff)),
                field(NO_SECTION, "section 12, said to hold the section names", b -> b.putShort(62, (short) 12)),
                field(NO_SECTION, "section 1, said to hold the section names", b -> b.putShort(62, (short) TEXT)),
                header("#0", "section header 0 is in use", 0, SH_TYPE, 1),
                wideHeader("#0", "section header 0 is in use", 0, SH_SIZE, 70_000),
                header(".shstrtab", "name at 9999, beyond the ", TEXT, SH_NAME, 9999),
                header(".shstrtab", "name at 4294967295, beyond the ", TEXT, SH_NAME, -1),
                field(".shstrtab", "does not end in NUL", b -> b.put(content(SHSTRTAB) + nameBytes(b) - 1, (byte) 1)),
                wideHeader("#1", "reach beyond the end of the file", TEXT, SH_OFFSET, 1 << 20),
                wideHeader("#1", "reach beyond the end of the file", TEXT, SH_OFFSET, Long.MAX_VALUE),
                wideHeader("#1", "reach beyond the end of the file", TEXT, SH_OFFSET, -1),
                wideHeader("#1", "reach beyond the end of the file", TEXT, SH_SIZE, 1 << 20),
                wideHeader("#1", "more than a module can have", TEXT, SH_SIZE, -1),
                wideHeader("#4", "more than a module can have", BSS, SH_SIZE, 1L << 31),
                wideHeader("#1", "alignment 0x3", TEXT, SH_ALIGN, 3),
                wideHeader("#1", "alignment 0x8000000000000000", TEXT, SH_ALIGN, Long.MIN_VALUE),
                wideHeader("#1", "alignment 0x40000000", TEXT, SH_ALIGN, 1 << 30),
                wideHeader(".data", "overlaps .rela.text", DATA, SH_OFFSET, content(RELA_TEXT) + 47),
                wideHeader(".data", "overlaps ELF header", DATA, SH_OFFSET, 63),
                wideHeader("section header table", "overlaps .data", DATA, SH_OFFSET, SyntheticObject.header(0) - 1),
                header(".text", "sh_link names section 12 of 12", TEXT, SH_LINK, 12),
                header(".text", "sh_link names section 4294967295 of 12", TEXT, SH_LINK, -1),
                header(".data", "x86-64 uses SHT_RELA", DATA, SH_TYPE, 9),
                header(".data", "extended section numbering", DATA, SH_TYPE, 18),
                field(
                        ".symtab",
                        "a second symbol table, after .data",
                        b -> b.putInt(SyntheticObject.header(DATA) + SH_TYPE, 2)
                                .putLong(SyntheticObject.header(DATA) + SH_SIZE, 0)
                                .putLong(SyntheticObject.header(DATA) + SH_ENTSIZE, 24)),
                wideHeader(".symtab", "entry size 16 should be 24", SYMTAB, SH_ENTSIZE, 16),
                wideHeader(".symtab", "entry size 0 should be 24", SYMTAB, SH_ENTSIZE, 0),
                wideHeader(".symtab", "no multiple of its entry size", SYMTAB, SH_SIZE, 100),
                header(".symtab", "sh_link names .text, which is no string table", SYMTAB, SH_LINK, TEXT),
                header(".symtab", "sh_info says that 7 of 6 symbols are local", SYMTAB, SH_INFO, 7),
                header(".symtab", "sh_info says that 4294967295 of 6", SYMTAB, SH_INFO, -1),
                header(".symtab", "sh_info says that 0 of 6", SYMTAB, SH_INFO, 0),
                header(".symtab", "symbol 2 (helper) stands on the wrong side", SYMTAB, SH_INFO, 2),
                wideHeader(".symtab", "of 0 symbols are local", SYMTAB, SH_SIZE, 0),
                field(".strtab", "does not end in NUL", b -> b.put(content(SHSTRTAB) - 1, (byte) 'x')),
                wideHeader(".strtab", "beyond the 0 bytes of the string table", STRTAB, SH_SIZE, 0),
                field(".strtab", "name at 4096, beyond", b -> b.putInt(init, 4096)),
                field(".symtab", "symbol 0 is in use", b -> b.putShort(content(SYMTAB) + 6, (short) 1)),
                field(
                        ".symtab",
                        "symbol 3 (init_module) lies in section 12 of 12",
                        b -> b.putShort(init + 6, (short) 12)),
                field(".symtab", "extended section numbering", b -> b.putShort(init + 6, (short) 0xffff)),
                field(".symtab", "unknown section index 0xff77", b -> b.putShort(init + 6, (short) 0xff77)),
                field(".symtab", "(init_module) reaches beyond the end of .text", b -> b.putLong(init + 8, 33)),
                field(".symtab", "(init_module) reaches beyond the end of .text", b -> b.putLong(init + 8, -1)),
                field(".symtab", "(init_module) reaches beyond the end of .text", b -> b.putLong(init + 16, 33)),
                field(
                        ".symtab",
                        "(init_module) reaches beyond the end of .text",
                        b -> b.putLong(init + 16, Long.MIN_VALUE)),
                header(".rela.text", "sh_link does not name the symbol table", RELA_TEXT, SH_LINK, STRTAB),
                header(".rela.text", "applies to section 0 of 12", RELA_TEXT, SH_INFO, 0),
                header(".rela.text", "applies to section 12 of 12", RELA_TEXT, SH_INFO, 12),
                header(".rela.text", "applies to section 4294967295 of 12", RELA_TEXT, SH_INFO, -1),
                header(".rela.text", "applies to .bss, which cannot be relocated", RELA_TEXT, SH_INFO, BSS),
                header(".rela.text", "applies to .symtab, which cannot be relocated", RELA_TEXT, SH_INFO, SYMTAB),
                wideHeader(".rela.text", "entry size 23 should be 24", RELA_TEXT, SH_ENTSIZE, 23),
                wideHeader(".rela.text", "no multiple of its entry size", RELA_TEXT, SH_SIZE, 47),
                relocation("relocation 0 refers to symbol 6 of 6", 8, 6L << 32 | 4),
                relocation("relocation 0 refers to symbol 4294967295 of 6", 8, -1L << 32 | 4),
                relocation("relocation 0 at 0x1d writes beyond the end of .text", 0, 29),
                relocation("relocation 0 at 0xffffffffffffffff writes beyond the end of .text", 0, -1),
                relocation("relocation 1 at 0x19 writes beyond the end of .text", 24, 25),
                header(".group", "its signature is symbol 6 of 6", GROUP, SH_INFO, 6),
                field(".note.gnu.build-id", "note reaches beyond", b -> b.putInt(content(BUILD_ID), -1)),
                field(".note.gnu.build-id", "note reaches beyond", b -> b.putInt(content(BUILD_ID) + 4, 25)),
                field(".note.gnu.build-id", "truncated note", b -> b.putInt(content(BUILD_ID) + 4, 16)),
                field(".modinfo", "does not end in NUL", b -> b.put(content(MODINFO) + modinfoBytes(b) - 1, (byte) 1)),
                wideHeader("__versions", "no multiple of its entry size", VERSIONS, SH_SIZE, 127),
                field(
                        "__versions",
                        "name does not end in NUL",
                        b -> b.put(content(VERSIONS) + 72, "x".repeat(56).getBytes(StandardCharsets.US_ASCII))));
    }

    private static int nameBytes(ByteBuffer b) {
        return (int) b.getLong(SyntheticObject.header(SHSTRTAB) + SH_SIZE);
    }

    private static int modinfoBytes(ByteBuffer b) {
        return (int) b.getLong(SyntheticObject.header(MODINFO) + SH_SIZE);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("damages")
    void namesTheSectionAndTheProblem(String section, String problem, Consumer<ByteBuffer> damage) {
        byte[] bytes = SyntheticObject.bytes();
        damage.accept(SyntheticObject.le(bytes));
        assertThatThrownBy(() -> ElfObject.parse("bad.ko", bytes)).isInstanceOfSatisfying(ElfException.class, e -> {
            assertThat(e.file()).isEqualTo("bad.ko");
            assertThat(e.section().orElse(NO_SECTION)).isEqualTo(section);
            assertThat(e.offset()).isBetween(0L, (long) bytes.length);
            assertThat(e.problem()).contains(problem);
            assertThat(e)
                    .hasMessage("bad.ko: " + (section.isEmpty() ? "" : "section " + section + ": ") + "offset 0x"
                            + Long.toHexString(e.offset()) + ": " + e.problem());
        });
    }

    @Test
    void everyTruncationIsAnError() {
        byte[] bytes = SyntheticObject.bytes();
        for (int size = 0; size < bytes.length; size++) {
            byte[] part = Arrays.copyOf(bytes, size);
            assertThatThrownBy(() -> ElfObject.parse("part.ko", part)).isInstanceOf(ElfException.class);
        }
    }

    @Test
    void anEmptyFileIsCalledEmpty() {
        assertThatThrownBy(() -> ElfObject.parse("a.ko", new byte[0]))
                .hasMessage("a.ko: offset 0x0: the file is empty");
    }

    @Test
    void compressedModulesAreNamedAsSuch() {
        assertCompression("xz", 0xfd, '7', 'z', 'X', 'Z', 0);
        assertCompression("gzip", 0x1f, 0x8b, 8, 0);
        assertCompression("zstd", 0x28, 0xb5, 0x2f, 0xfd);
    }

    private static void assertCompression(String name, int... magic) {
        byte[] bytes = new byte[100];
        for (int i = 0; i < magic.length; i++) {
            bytes[i] = (byte) magic[i];
        }
        assertThatThrownBy(() -> ElfObject.parse("a.ko." + name, bytes))
                .isInstanceOf(ElfException.class)
                .hasMessage("a.ko." + name + ": offset 0x0: compressed with " + name + "; decompress it first");
    }

    /** A symbol table in which every symbol's name is a tail of one long string would take half a terabyte as text. */
    @Test
    void namesThatShareTheirTailsDoNotUseUpMemory() {
        int count = 1_000_000;
        ElfEditor editor = new ElfEditor(ElfObject.empty("big.ko"));
        editor.addSymbol("x".repeat(count), Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, 0, 0);
        for (int i = 1; i < count; i++) {
            editor.addSymbol("", Elf.STB_LOCAL, Elf.STT_NOTYPE, Elf.SHN_ABS, 0, 0);
        }
        assertThatThrownBy(() -> {
                    byte[] bytes = editor.build();
                    ElfSection symtab =
                            ElfObject.parse("big.ko", bytes).symbolTable().orElseThrow();
                    for (int i = 1; i < count; i++) {
                        SyntheticObject.le(bytes).putInt((int) symtab.offset() + 24 * i, i);
                    }
                    ElfObject.parse("big.ko", bytes);
                })
                .isInstanceOf(ElfException.class)
                .hasMessageContaining("overlap more often than any linker would make them");
    }

    @Test
    void aSymbolMayBeAbsoluteUndefinedOrCommon() throws Exception {
        int state = content(SYMTAB) + 24 * STATE;
        for (int shndx : new int[] {Elf.SHN_ABS, Elf.SHN_COMMON, Elf.SHN_UNDEF, Elf.SHN_LIVEPATCH}) {
            byte[] bytes = SyntheticObject.bytes();
            SyntheticObject.le(bytes).putShort(state + 6, (short) shndx).putLong(state + 8, -1);
            assertThat(ElfObject.parse("a.ko", bytes).symbols().get(STATE).shndx())
                    .isEqualTo(shndx);
        }
    }
}
