package io.kmolt.lab;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * How fast this machine's time stamp counter runs, measured against the system's clock. An emulated guest reads the very
 * same counter (QEMU's {@code cpu_get_host_ticks}), and cannot measure it well on a busy machine.
 */
final class HostTsc {
    private static final int MEASUREMENTS = 5;
    private static final long MEASUREMENT_MILLIS = 10;
    private static final int LOOKS = 8;

    private static final byte[] CODE = {
        0x0f,
        0x31, // rdtsc
        0x48,
        (byte) 0xc1,
        (byte) 0xe2,
        0x20, // shl $32,%rdx
        0x48,
        0x09,
        (byte) 0xd0, // or %rdx,%rax
        (byte) 0xc3 // ret
    };

    // asm-generic/mman-common.h, asm-generic/mman.h
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int PROT_EXEC = 4;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final long PAGE = 4096;

    private HostTsc() {}

    /** The counter and the clock at one moment. */
    record Moment(long ticks, long nanos) {
        /** Ticks in a millisecond, from this moment to a later one. */
        private double kilohertzUntil(Moment later) {
            return (later.ticks - ticks) * 1e6 / (later.nanos - nanos);
        }
    }

    /** From one moment to another. */
    record Span(Moment begin, Moment end) {}

    /** Measured on the first call, and then known. */
    private static final class Measured {
        private static final OptionalLong KILOHERTZ = measure();
    }

    /** In kHz; empty where it cannot be measured: another architecture, or a system that lets no program make code. */
    static OptionalLong kilohertz() {
        return Measured.KILOHERTZ;
    }

    /** The median of what the spans say: one in which this thread did not run amid a look is off. */
    static long kilohertz(List<Span> spans) {
        List<Double> sorted = spans.stream()
                .map(span -> span.begin().kilohertzUntil(span.end()))
                .sorted()
                .toList();
        return Math.round(sorted.get(sorted.size() / 2));
    }

    private static OptionalLong measure() {
        if (!System.getProperty("os.arch").equals("amd64")) {
            return OptionalLong.empty();
        }
        try {
            return measureByCode();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return OptionalLong.empty();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e); // nothing that is called here throws
        }
    }

    private static OptionalLong measureByCode() throws Throwable {
        Linker linker = Linker.nativeLinker();
        SymbolLookup libc = linker.defaultLookup();
        MethodHandle mmap = linker.downcallHandle(
                libc.findOrThrow("mmap"),
                FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        MethodHandle mprotect = linker.downcallHandle(
                libc.findOrThrow("mprotect"), FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
        MethodHandle munmap =
                linker.downcallHandle(libc.findOrThrow("munmap"), FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));

        MemorySegment page = (MemorySegment)
                mmap.invokeExact(MemorySegment.NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
        if (page.address() == -1) {
            return OptionalLong.empty();
        }
        try {
            MemorySegment.copy(CODE, 0, page.reinterpret(PAGE), JAVA_BYTE, 0, CODE.length);
            if ((int) mprotect.invokeExact(page, PAGE, PROT_READ | PROT_EXEC) != 0) {
                return OptionalLong.empty();
            }
            MethodHandle ticks = linker.downcallHandle(page, FunctionDescriptor.of(JAVA_LONG));
            List<Span> spans = new ArrayList<>();
            look(ticks); // the first calls take long
            for (int i = 0; i < MEASUREMENTS; i++) {
                Moment begin = look(ticks);
                Thread.sleep(MEASUREMENT_MILLIS);
                spans.add(new Span(begin, look(ticks)));
            }
            return OptionalLong.of(kilohertz(spans));
        } finally {
            int ignored = (int) munmap.invokeExact(page, PAGE);
        }
    }

    /** Counter and clock cannot be read at once: the try that took least time is the one to believe. */
    private static Moment look(MethodHandle ticks) throws Throwable {
        long shortest = Long.MAX_VALUE;
        Moment best = new Moment(0, 0);
        for (int i = 0; i < LOOKS; i++) {
            long before = System.nanoTime();
            long counter = (long) ticks.invokeExact();
            long took = System.nanoTime() - before;
            if (took < shortest) {
                shortest = took;
                best = new Moment(counter, before + took / 2);
            }
        }
        return best;
    }
}
