package io.kmolt.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.BtfType;
import io.kmolt.btf.FunctionPrototypes;
import io.kmolt.btf.VmlinuxBtf;
import io.kmolt.elf.Corpus;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What routes need to know of a kernel, out of a real one's type information. */
@Tag("corpus")
class KernelLayoutTest {
    /** Offsets as {@code pahole} prints them; per-CPU ones as the kernel's own instructions have them. */
    static final KernelLayout BOOKWORM = new KernelLayout(0x1fb80, 0x199e0, 2960, 8, 12, 2416, 2420);

    private final Btf vmlinux;

    KernelLayoutTest() throws Exception {
        vmlinux = VmlinuxBtf.read(Corpus.image(Corpus.BOOKWORM)).types();
    }

    @Test
    void offsetsAreThoseOfTheKernel() throws Exception {
        long currentTask = perCpu("current_task");
        long cpuNumber = perCpu("cpu_number");
        assertThat(KernelLayout.of(vmlinux, currentTask, cpuNumber)).isEqualTo(BOOKWORM);
    }

    /** BTF has the same values as kallsyms: where variables are in the section, which begins at 0. */
    private long perCpu(String name) {
        BtfType.DataSec section = vmlinux.ids(".data..percpu").stream()
                .map(vmlinux::type)
                .filter(BtfType.DataSec.class::isInstance)
                .map(BtfType.DataSec.class::cast)
                .findFirst()
                .orElseThrow();
        return section.entries().stream()
                .filter(entry -> vmlinux.nameOf(entry.variable()).equals(name))
                .findFirst()
                .orElseThrow()
                .offset();
    }

    @Test
    void addressesAreNoPerCpuOffsets() {
        assertThatThrownBy(() -> KernelLayout.of(vmlinux, 0xffffffff81000000L, 0))
                .isInstanceOf(BtfException.class)
                .hasMessageContaining(
                        "its current_task is at 0xffffffff81000000: that is no offset of a per-CPU variable");
        assertThatThrownBy(() -> KernelLayout.of(vmlinux, 0, 1L << 31)).hasMessageContaining("its cpu_number");
    }

    @Test
    void aKernelWithOtherStructuresIsRefused() throws Exception {
        Btf empty = Btf.parse("empty", new byte[] {
            (byte) 0x9f, (byte) 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0
        });
        assertThatThrownBy(() -> KernelLayout.of(empty, 0, 8))
                .isInstanceOf(BtfException.class)
                .hasMessage("empty: struct task_struct has no member cred of 8 bytes");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '@',
            value = {
                "pipe_write @ u64 u64", // struct kiocb *, struct iov_iter *
                "vfs_read @ u64 u64 u64 u64", // struct file *, char *, size_t, loff_t *
                "do_sys_openat2 @ s32 u64 u64", // int, const char *, struct open_how *
                "try_to_wake_up @ u64 u32 s32", // struct task_struct *, unsigned int, int
                "make_kuid @ u64 u32", // struct user_namespace *, uid_t
                "from_kuid @ u64 u32", // struct user_namespace *, kuid_t: a structure
                "schedule @ ''",
            })
    void argumentsHaveTheWidthAndSignOfTheParameters(String function, String expected) {
        List<ArgumentType> types =
                ArgumentType.of(FunctionPrototypes.prototype(vmlinux, function).orElseThrow());
        assertThat(String.join(
                        " ",
                        types.stream()
                                .map(type -> (type.signed() ? "s" : "u") + type.bits())
                                .toList()))
                .isEqualTo(expected);
    }
}
