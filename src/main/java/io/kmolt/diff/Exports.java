package io.kmolt.diff;

import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** What a module exports. */
public final class Exports {
    private static final String CRC_PREFIX = "__crc_";

    /** Tables of modules, and of objects up to 6.4 and from then on ({@code include/linux/export-internal.h}). */
    private static final Pattern TABLE = Pattern.compile("__ksymtab(_gpl)?|___ksymtab(_gpl)?\\+.*|\\.export_symbol");

    private Exports() {}

    /** The names of what a module exports, or what an object would have the module export that it becomes part of. */
    static Set<String> names(KernelModule module) {
        Set<String> names = new TreeSet<>();
        for (ElfSection section : module.elf().sections()) {
            if (TABLE.matcher(section.name()).matches()) {
                for (Reference reference : module.references(section.index())) {
                    if (reference.referent() instanceof Referent.InItem in && in.delta() == 0) {
                        names.add(in.item().name());
                    }
                }
            }
        }
        return names;
    }

    /** The CRC of each exported symbol, as an unsigned 32-bit number. */
    public static Map<String, Long> crcs(KernelModule module) {
        Map<String, Long> crcs = new HashMap<>();
        for (ElfSymbol symbol : module.elf().symbols()) {
            if (symbol.name().startsWith(CRC_PREFIX) && symbol.isDefined()) {
                long crc = symbol.isAbsolute() ? symbol.value() : at(module, symbol);
                crcs.put(symbol.name().substring(CRC_PREFIX.length()), crc & 0xffff_ffffL);
            }
        }
        return crcs;
    }

    private static long at(KernelModule module, ElfSymbol symbol) {
        byte[] content = module.content(symbol.shndx());
        int at = (int) symbol.value();
        return at + Integer.BYTES > content.length
                ? 0
                : ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
    }
}
