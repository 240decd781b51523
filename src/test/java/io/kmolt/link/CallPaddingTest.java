package io.kmolt.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfRelocation;
import io.kmolt.elf.ElfSection;
import io.kmolt.lab.Fixtures;
import io.kmolt.module.KernelModule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A kernel that tracks the depth of calls ({@code retbleed=stuff}, from 6.2 on) lets each call that {@code .call_sites}
 * lists enter ten bytes before its function, where it writes what counts ({@code patch_dest()} in {@code
 * arch/x86/kernel/callthunks.c}). So there must be nothing but padding, wherever linking has led the call.
 */
class CallPaddingTest {
    /** CONFIG_FUNCTION_PADDING_BYTES */
    private static final int PADDING = 16;

    private static final int CALL = 0xe8;
    private static final byte NOP = (byte) 0x90;

    @ParameterizedTest
    @CsvSource({"minix, stock, a", "minix, a, b", "jbd2, stock, a", "ext4, stock, plain", "ext4, stock, a", "ext4, a, b"
    })
    void whatIsCalledBeginsBehindPadding(String module, String before, String after) throws Exception {
        LinkedUpdate linked =
                LinkedUpdate.link(KernelModule.read(file(module, before)), KernelModule.read(file(module, after)));
        LoadedCode code = LoadedCode.of(linked);
        Map<Long, Long> calls = calls(linked);
        byte[] nops = new byte[PADDING];
        Arrays.fill(nops, NOP);
        int inModule = 0;
        List<String> wrong = new ArrayList<>();
        for (long site : sites(linked)) {
            Long callee = calls.get(site);
            if (callee == null || code.at(callee, 1).isEmpty()) {
                continue; // through a pointer, or of the kernel's or another module's
            }
            inModule++;
            if (code.at(callee - PADDING, PADDING)
                    .filter(bytes -> Arrays.equals(bytes, nops))
                    .isEmpty()) {
                wrong.add("%x calls %x, which has no padding".formatted(site, callee));
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(inModule).isGreaterThan(5);
    }

    private static Path file(String module, String variant) {
        return variant.equals("stock")
                ? Corpus.module(Corpus.NEWER, module)
                : Fixtures.module(Corpus.NEWER, module, variant);
    }

    private static List<Long> sites(LinkedUpdate linked) {
        ElfSection list = linked.elf().section(".call_sites").orElseThrow();
        return linked.elf().relocations(list.index()).stream()
                .map(entry -> SimulatedKernel.leadsTo(linked.elf(), linked.sections(), entry))
                .toList();
    }

    /** By the address of a direct call, what it calls. */
    private static Map<Long, Long> calls(LinkedUpdate linked) {
        Map<Long, Long> calls = new HashMap<>();
        for (ElfSection section : linked.elf().sections()) {
            Long start = linked.sections().get(section.index());
            if (!section.isExec() || start == null) {
                continue;
            }
            byte[] content = linked.elf().content(section);
            for (ElfRelocation relocation : linked.elf().relocations(section.index())) {
                int at = (int) relocation.offset() - 1;
                boolean defined =
                        !linked.elf().symbols().get(relocation.symbol()).isUndefined();
                if (at >= 0 && Byte.toUnsignedInt(content[at]) == CALL && relocation.isPcRelative() && defined) {
                    calls.put(
                            start + at,
                            SimulatedKernel.leadsTo(linked.elf(), linked.sections(), relocation) + Integer.BYTES);
                }
            }
        }
        return calls;
    }
}
