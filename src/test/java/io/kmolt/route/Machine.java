package io.kmolt.route;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;

/**
 * Executes dispatchers on this processor, in this process: with a function that calls one as ftrace's sites do, editions
 * that say who they are and save all registers, and a per-CPU area of its own behind gs, which 64-bit processes of Linux
 * do not use. Belongs to the thread that opened it.
 */
final class Machine implements AutoCloseable {
    static final KernelLayout LAYOUT = new KernelLayout(0x10, 0x18, 0x2b0, 4, 8, 0x70, 0x74);

    /** What {@link #run} says for the entry that was in force before. */
    static final int OLD = 300;

    private static final int SIZE = 0x10000;
    private static final int SAVED = 0x000; // 16 registers
    private static final int OUTCOME = 0x080;
    private static final int R10_BEFORE = 0x088;
    private static final int RSP_BEFORE = 0x090;
    private static final int GO = 0x098;
    private static final int MARKER = 0x0a0;
    private static final int SWITCHES = 0x0c0;
    private static final int PER_CPU = 0x200;
    private static final int COUNTERS = 0x40; // in the per-CPU area
    private static final int TASK = 0x600;
    private static final int CRED = 0xa00;
    private static final int TRAMPOLINE = 0x1000;
    private static final int FUNCTION = 0x1200;
    private static final int RETURN_THUNK = 0x1240;
    private static final int OLD_ENTRY = 0x1250;
    private static final int SAVE = 0x1260;
    private static final int STUBS = 0x2000;
    private static final int STUB_SIZE = 16;
    private static final int CODE = 0x4000;

    private static final int[] KEPT = {0, 3, 5, 12, 13, 14, 15}; // rax, rbx, rbp, r12 to r15
    private static final int[] ARGUMENTS = {7, 6, 2, 1, 8, 9};
    private static final long MAGIC = 0x1122_3344_5566_7700L;

    private final MemorySegment memory;
    private final MethodHandle call;
    private final Map<String, Integer> switches = new HashMap<>();
    private int at;

    Machine() throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle mmap = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("mmap"),
                FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        MemorySegment mapped = (MemorySegment) mmap.invokeExact(MemorySegment.NULL, (long) SIZE, 7, 0x22, -1, 0L);
        assertThat(mapped.address()).isNotEqualTo(-1);
        memory = mapped.reinterpret(SIZE);
        call = linker.downcallHandle(
                memory.asSlice(TRAMPOLINE),
                FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        setGs(memory.address() + PER_CPU);
        putLong(PER_CPU + LAYOUT.currentTask(), memory.address() + TASK);
        putLong(TASK + LAYOUT.cred(), memory.address() + CRED);
        writeTrampoline();
        writeSave();
        for (int outcome = 0; outcome <= OLD; outcome++) {
            at = STUBS + outcome * STUB_SIZE;
            bytes(0xc7, 0x05).reach(OUTCOME, 4).word(outcome); // movl $outcome, OUTCOME(%rip)
            bytes(0xe9).reach(SAVE, 0);
        }
        at = RETURN_THUNK;
        bytes(0xc3);
        at = OLD_ENTRY;
        bytes(0x48, 0x83, 0xc4, 0x08, 0xe9).reach(STUBS + OLD * STUB_SIZE, 0); // add $8, %rsp; jmp
    }

    private void writeTrampoline() {
        at = TRAMPOLINE;
        bytes(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57); // push rbx, rbp, r12 to r15
        for (int register : KEPT) {
            bytes(register >= 8 ? 0x49 : 0x48, 0xb8 | (register & 7)); // movabs
            putLong(at, MAGIC + register);
            at += 8;
        }
        bytes(0x4c, 0x8b, 0x15).reach(R10_BEFORE, 0); // mov R10_BEFORE(%rip), %r10
        bytes(0x48, 0x89, 0x25).reach(RSP_BEFORE, 0); // mov %rsp, RSP_BEFORE(%rip)
        bytes(0xe8).reach(FUNCTION, 0);
        bytes(0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b);
        bytes(0x8b, 0x05).reach(OUTCOME, 0); // mov OUTCOME(%rip), %eax
        bytes(0xc3);
    }

    private void writeSave() {
        at = SAVE;
        for (int register = 0; register < 16; register++) {
            bytes(register >= 8 ? 0x4c : 0x48, 0x89, ((register & 7) << 3) | 5).reach(SAVED + 8 * register, 0);
        }
        bytes(0xc3);
    }

    /** Puts the dispatchers' code in place, as the module loader would. */
    void load(DispatcherCode code) {
        byte[] bytes = code.code();
        assertThat(bytes).hasSizeLessThan(SIZE - CODE);
        MemorySegment.copy(bytes, 0, memory, JAVA_BYTE, CODE, bytes.length);
        for (CodeReference reference : code.references()) {
            int target = switch (reference.target()) {
                case CodeTarget.Edition edition -> STUBS + edition.number() * STUB_SIZE;
                case CodeTarget.Old _ -> OLD_ENTRY;
                case CodeTarget.ReturnThunk _ -> RETURN_THUNK;
                case CodeTarget.SwitchWord word -> switchAt(word.name());
                case CodeTarget.Go _ -> GO;
                case CodeTarget.Marker _ -> MARKER;
            };
            putInt(CODE + reference.offset(), target + reference.addend() - (CODE + reference.offset()));
        }
    }

    private int switchAt(String name) {
        return switches.computeIfAbsent(name, _ -> SWITCHES + 8 * switches.size());
    }

    void set(String name, long value) {
        putLong(switchAt(name), value);
    }

    void setGo(int value) {
        putInt(GO, value);
    }

    void setTask(int uid, int gid, int pid, int tgid, int cpu) {
        putInt(CRED + LAYOUT.uid(), uid);
        putInt(CRED + LAYOUT.gid(), gid);
        putInt(TASK + LAYOUT.pid(), pid);
        putInt(TASK + LAYOUT.tgid(), tgid);
        putInt(PER_CPU + LAYOUT.cpuNumber(), cpu);
    }

    /** A per-CPU address that a dispatcher can count at. */
    static long counterAddress(int index) {
        return COUNTERS + 8L * index;
    }

    long counter(int index) {
        return memory.get(JAVA_LONG_UNALIGNED, PER_CPU + counterAddress(index));
    }

    long markerAddress() {
        return memory.address() + MARKER;
    }

    /** Calls the function, whose site calls the dispatcher at {@code label}; says who answered: 0 is the original. */
    int run(Label label, long r10, long... arguments) throws Throwable {
        at = FUNCTION;
        bytes(0xe8).reach(CODE + label.offset(), 0);
        bytes(0xe9).reach(STUBS, 0);
        putLong(R10_BEFORE, r10);
        int outcome = (int)
                call.invokeExact(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
        for (int register : KEPT) {
            assertThat(saved(register)).as("register %d", register).isEqualTo(MAGIC + register);
        }
        for (int i = 0; i < arguments.length; i++) {
            assertThat(saved(ARGUMENTS[i])).as("argument %d", i).isEqualTo(arguments[i]);
        }
        assertThat(saved(4)).as("stack pointer").isEqualTo(memory.get(JAVA_LONG_UNALIGNED, RSP_BEFORE) - 8);
        return outcome;
    }

    /** A register, by its number, when the last call's answer began. */
    long saved(int register) {
        return memory.get(JAVA_LONG_UNALIGNED, SAVED + 8L * register);
    }

    private Machine bytes(int... values) {
        for (int value : values) {
            memory.set(JAVA_BYTE, at++, (byte) value);
        }
        return this;
    }

    /** The distance to {@code target} from the end of the instruction, which has {@code more} bytes after this field. */
    private Machine reach(int target, int more) {
        return word(target - (at + 4 + more));
    }

    private Machine word(int value) {
        putInt(at, value);
        at += 4;
        return this;
    }

    private void putInt(int offset, int value) {
        memory.set(JAVA_INT.withByteAlignment(1), offset, value);
    }

    private void putLong(int offset, long value) {
        memory.set(JAVA_LONG_UNALIGNED, offset, value);
    }

    /** arch_prctl(ARCH_SET_GS). */
    private static void setGs(long address) throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle syscall = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("syscall"),
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                Linker.Option.firstVariadicArg(1));
        assertThat((long) syscall.invokeExact(158L, 0x1001L, address)).isZero();
    }

    @Override
    public void close() {
        Linker linker = Linker.nativeLinker();
        MethodHandle munmap = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("munmap"), FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
        try {
            setGs(0);
            assertThat((int) munmap.invokeExact(memory, (long) SIZE)).isZero();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
