package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuestLogTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[    3.764167] WARNING: CPU: 0 PID: 169 at kernel/x.c:4 kt_init+0x33/0x1000 [kt]",
                "[    3.764167][  T169] WARNING: possible circular locking dependency detected",
                "[    3.051078] BUG: kernel NULL pointer dereference, address: 0000000000000008",
                "[    3.051078] BUG: unable to handle page fault for address: ffffffffc0000000",
                "[ 1234.051078] kernel BUG at mm/slub.c:443!",
                "[   12.000001] general protection fault, probably for non-canonical address 0xdead: 0000 [#1] PREEMPT",
                "[   12.000001] invalid opcode: 0000 [#1] PREEMPT SMP NOPTI",
                "[   33.000001] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
                "[   33.000001] rcu: INFO: rcu_preempt self-detected stall on CPU",
                "[  242.700000] INFO: task mount:321 blocked for more than 120 seconds.",
                "[   60.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [kworker/0:1:7]",
                "[    9.817945] Kernel panic - not syncing: sysrq triggered crash",
                "[   41.000001] [ BUG: Invalid wait context ]",
                "[   41.000001] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580",
                "[   41.000001] INFO: trying to register non-static key.",
                "[   41.000001] BUG: KASAN: use-after-free in kmolt_enroll+0x1f/0x40 [kmolt]",
                "[   41.000001] BUG kmalloc-64 (Tainted: G           OE     ): Poison overwritten",
                "[   41.000001] ODEBUG: free active (active state 0) object type: timer_list hint: fires+0x0/0x10",
                "[    9.817945] refcount_t: underflow; use-after-free.",
                "[    9.817945] list_del corruption. prev->next should be x, but was y",
                "[    9.817945] sysfs: cannot create duplicate filename '/module/x/sections/.text'",
            })
    void whatTheKernelComplainsAboutIsSeen(String line) throws IOException {
        assertThat(log("[    1.0] fine", line, "[    2.0] fine").warnings()).containsExactly(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[    0.428120] NMI watchdog: Perf NMI watchdog permanently disabled",
                "[    0.423201] rcu: Hierarchical SRCU implementation.",
                "[    0.986343] PCI: Using host bridge windows from ACPI; if necessary, use \"pci=nocrs\" and report a bug",
                "[    5.000000] traps: a.out[77] general protection fault ip:401106 sp:7ffd error:0 in a.out[401000+1000]",
                "[    5.000000] a.out[77]: segfault at 0 ip 0000000000401106 sp 00007ffd error 6 in a.out[401000+1000]",
                "[    5.000000] kt: loading out-of-tree module taints kernel.",
                "WARNING: a program wrote this to the console",
            })
    void whatIsNoComplaintIsNot(String line) throws IOException {
        assertThat(log(line).warnings()).isEmpty();
    }

    @Test
    void theExcerptBeginsShortlyBeforeTheFirstComplaint() throws IOException {
        List<String> lines = new java.util.ArrayList<>();
        for (int i = 0; i < 200; i++) {
            lines.add(String.format("[%5d.000000] line %d", i, i));
        }
        lines.set(100, "[  100.000000] WARNING: CPU: 0 PID: 1 at x");
        GuestLog log = log(lines.toArray(String[]::new));
        assertThat(log.excerpt(10).lines())
                .hasSize(11)
                .startsWith(lines.get(95))
                .endsWith("… 95 more lines");
        assertThat(log.panicked()).isFalse();
    }

    @Test
    void withoutAComplaintTheExcerptIsTheLogsEnd() throws IOException {
        assertThat(log("a", "b").excerpt(10)).isEqualTo("a\nb");
        assertThat(new GuestLog(folder.resolve("none")).excerpt(10)).isEmpty();
    }

    @Test
    void aFailedBootTellsWhy() throws IOException {
        assertThat(log("[    1.0] x", "kmolt-lab: boot failed: cannot mount the share /x")
                        .bootFailure())
                .isEqualTo("cannot mount the share /x");
        assertThat(log("[    1.0] x").bootFailure()).isEmpty();
    }

    private GuestLog log(String... lines) throws IOException {
        Path file = folder.resolve("console.log");
        Files.write(file, List.of(lines));
        return new GuestLog(file);
    }
}
