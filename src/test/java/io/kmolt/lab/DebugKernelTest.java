package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** That a kernel reports nothing means something only if it reports what is wrong. */
@Tag("lab")
class DebugKernelTest {
    /** In this order: lockdep is silent after its first report, and after one of KASAN. */
    private static Map<String, String> reports() {
        Map<String, String> reports = new LinkedHashMap<>();
        reports.put("dereferences", "WARNING: suspicious RCU usage");
        reports.put("orders", "WARNING: possible circular locking dependency detected");
        reports.put("sleeps", "BUG: sleeping function called from invalid context");
        reports.put("preempted", "BUG: using smp_processor_id() in preemptible");
        reports.put("lists", "list_del corruption");
        reports.put("heap", "BUG: KASAN: use-after-free in heap");
        reports.put("mapped", "BUG: KASAN: vmalloc-out-of-bounds in mapped");
        return reports;
    }

    @Test
    void everyMistakeIsReported() throws IOException {
        assumeThat(Fixtures.RUNNING).endsWith("-debug");
        try (Guest guest =
                Lab.start(LabOptions.defaults().withKernel(Fixtures.RUNNING).withAppend("kasan_multi_shot"))) {
            guest.target();
            List<String> before = guest.kernelWarnings();
            assertThat(before).isEmpty();
            for (Map.Entry<String, String> report : reports().entrySet()) {
                assertThat(guest.target()
                                .run(
                                        "modprobe kmolt_faults mistake=" + report.getKey() + " && rmmod kmolt_faults",
                                        Duration.ofMinutes(1))
                                .status())
                        .isZero();
                List<String> now = new ArrayList<>(guest.kernelWarnings());
                now.subList(0, before.size()).clear();
                assertThat(now)
                        .as(report.getKey())
                        .anySatisfy(line -> assertThat(line).contains(report.getValue()));
                before = guest.kernelWarnings();
            }
        }
    }
}
