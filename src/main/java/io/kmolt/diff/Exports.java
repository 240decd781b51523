package io.kmolt.diff;

import io.kmolt.elf.ElfSymbol;
import io.kmolt.module.KernelModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** What a module exports. */
public final class Exports {
    private static final String CRC_PREFIX = "__crc_";

    private Exports() {}

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
