package io.kmolt.elf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A small object, assembled byte by byte and without the code under test, in the order in which compilers emit one:
 * contents, symbol table, string tables, section headers.
 */
final class SyntheticObject {
    static final int TEXT = 1;
    static final int RELA_TEXT = 2;
    static final int DATA = 3;
    static final int BSS = 4;
    static final int BUILD_ID = 5;
    static final int MODINFO = 6;
    static final int VERSIONS = 7;
    static final int GROUP = 8;
    static final int SYMTAB = 9;
    static final int STRTAB = 10;
    static final int SHSTRTAB = 11;

    /** Local symbols are 1 and 2, global ones from 3 on. */
    static final int LOCAL = 2;

    static final int INIT = 3;
    static final int STATE = 4;
    static final int PRINTK = 5;
    static final int SYMBOLS = 6;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<byte[]> headers = new ArrayList<>();
    private final ByteArrayOutputStream names = new ByteArrayOutputStream();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private int table;

    private SyntheticObject() {
        out.writeBytes(new byte[64]);
        names.write(0);
        strings.write(0);
        headers.add(new byte[64]);
    }

    static byte[] bytes() {
        return new SyntheticObject().assemble();
    }

    /** Where section header {@code index} begins. */
    static int header(int index) {
        SyntheticObject object = new SyntheticObject();
        object.assemble();
        return object.table + 64 * index;
    }

    /** Where the contents of section {@code index} begin. */
    static int content(int index) {
        return (int) le(bytes()).getLong(header(index) + 24);
    }

    static ByteBuffer le(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private byte[] assemble() {
        section(".text", 1, 0x6, 0, 0, 16, 0, new byte[32]);
        section(".rela.text", 4, 0x40, SYMTAB, TEXT, 8, 24, relocations());
        section(".data", 1, 0x3, 0, 0, 8, 0, "state of the module".getBytes(StandardCharsets.US_ASCII));
        section(".bss", 8, 0x3, 0, 0, 32, 0, new byte[0]);
        le(headers.get(BSS)).putLong(32, 4096);
        section(".note.gnu.build-id", 7, 0x2, 0, 0, 4, 0, buildId());
        section(".modinfo", 1, 0x2, 0, 0, 1, 0, text("license=GPL\0alias=a\0\0\0alias=b=c\0odd\0author=Jör\0"));
        section("__versions", 1, 0x2, 0, 0, 32, 0, versions());
        section(".group", 17, 0, SYMTAB, LOCAL, 4, 4, new byte[] {1, 0, 0, 0, DATA, 0, 0, 0});
        section(".symtab", 2, 0, STRTAB, 3, 8, 24, symbols());
        section(".strtab", 3, 0, 0, 0, 1, 0, strings.toByteArray());
        name(".shstrtab");
        section(".shstrtab", 3, 0, 0, 0, 1, 0, names.toByteArray());
        align(8);
        table = out.size();
        headers.forEach(out::writeBytes);
        byte[] bytes = out.toByteArray();
        le(bytes)
                .put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1})
                .putShort(16, (short) 1)
                .putShort(18, (short) 62)
                .putInt(20, 1)
                .putLong(40, table)
                .putShort(52, (short) 64)
                .putShort(58, (short) 64)
                .putShort(60, (short) headers.size())
                .putShort(62, (short) SHSTRTAB);
        return bytes;
    }

    private void section(
            String name, int type, long flags, int link, int info, int align, int entsize, byte[] content) {
        align(align);
        byte[] header = new byte[64];
        le(header)
                .putInt(name.equals(".shstrtab") ? names.size() - 10 : name(name))
                .putInt(type)
                .putLong(flags)
                .putLong(0)
                .putLong(out.size())
                .putLong(content.length)
                .putInt(link)
                .putInt(info)
                .putLong(align)
                .putLong(entsize);
        headers.add(header);
        out.writeBytes(content);
    }

    private int name(String name) {
        int at = names.size();
        names.writeBytes(text(name + "\0"));
        return at;
    }

    private void align(int alignment) {
        while (out.size() % alignment != 0) {
            out.write(0);
        }
    }

    private byte[] symbols() {
        byte[] entries = new byte[24 * SYMBOLS];
        ByteBuffer table = le(entries);
        table.position(24);
        symbol(table, "", 0, 3, TEXT, 0, 0);
        symbol(table, "helper", 0, 2, TEXT, 16, 16);
        symbol(table, "init_module", 1, 2, TEXT, 0, 16);
        symbol(table, "state", 2, 1, DATA, 0, 8);
        symbol(table, "_printk", 1, 0, 0, 0, 0);
        return entries;
    }

    private void symbol(ByteBuffer table, String name, int binding, int type, int shndx, long value, long size) {
        table.putInt(name.isEmpty() ? 0 : strings.size())
                .put((byte) (binding << 4 | type))
                .put((byte) 0)
                .putShort((short) shndx)
                .putLong(value)
                .putLong(size);
        if (!name.isEmpty()) {
            strings.writeBytes(text(name + "\0"));
        }
    }

    private static byte[] relocations() {
        return le(new byte[48])
                .putLong(4)
                .putInt(4)
                .putInt(PRINTK)
                .putLong(-4)
                .putLong(24)
                .putInt(1)
                .putInt(STATE)
                .putLong(0)
                .array();
    }

    private static byte[] buildId() {
        return le(new byte[40])
                .putInt(4)
                .putInt(2)
                .putInt(1)
                .put(text("XYZ\0ab\0\0"))
                .putInt(4)
                .putInt(4)
                .putInt(3)
                .put(text("GNU\0"))
                .putInt(0x04030201)
                .array();
    }

    private static byte[] versions() {
        byte[] table = new byte[128];
        le(table)
                .putLong(0, 0x9876_5432L)
                .put(8, text("_printk"))
                .putLong(64, 1)
                .put(72, text("module_layout"));
        return table;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
