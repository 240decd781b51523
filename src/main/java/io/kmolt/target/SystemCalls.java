package io.kmolt.target;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** The few system calls that the Java library does not offer, through the C library; x86-64 numbers. */
final class SystemCalls {
    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x80000;
    static final int SEEK_END = 2;

    // arch/x86/entry/syscalls/syscall_64.tbl
    private static final long SYS_READ = 0;
    private static final long SYS_WRITE = 1;
    private static final long SYS_OPEN = 2;
    private static final long SYS_CLOSE = 3;
    private static final long SYS_LSEEK = 8;
    private static final long SYS_INIT_MODULE = 175;
    private static final long SYS_DELETE_MODULE = 176;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final AddressLayout POINTER = ValueLayout.ADDRESS;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final SymbolLookup LIBC = LINKER.defaultLookup();

    /** {@code long syscall(long number, long, long, long)}. */
    private static final MethodHandle WITH_NUMBERS = syscall(LONG, LONG, LONG);

    /** {@code long syscall(long number, void *, long, void *)}. */
    private static final MethodHandle WITH_POINTERS = syscall(POINTER, LONG, POINTER);

    /** {@code long syscall(long number, long, void *, long)}. */
    private static final MethodHandle WITH_BUFFER = syscall(LONG, POINTER, LONG);

    private SystemCalls() {}

    /** A system call that failed. */
    static final class SystemCallException extends Exception {
        private final Errno errno;

        SystemCallException(String call, int number) {
            super(call + ": " + Errno.of(number).text() + " (errno " + number + ")");
            this.errno = Errno.of(number);
        }

        Errno errno() {
            return errno;
        }
    }

    private static MethodHandle syscall(MemoryLayout first, MemoryLayout second, MemoryLayout third) {
        return LINKER.downcallHandle(
                LIBC.findOrThrow("syscall"),
                FunctionDescriptor.of(LONG, LONG, first, second, third),
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(1));
    }

    /** Opens an existing file. */
    static int open(String path, int flags) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            return (int) pointers(arena, "open", SYS_OPEN, arena.allocateFrom(path), flags, MemorySegment.NULL);
        }
    }

    static void close(int fd) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            numbers(arena, "close", SYS_CLOSE, fd, 0, 0);
        }
    }

    static void seekToEnd(int fd) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            numbers(arena, "lseek", SYS_LSEEK, fd, 0, SEEK_END);
        }
    }

    /** One {@code read}; an empty array is the end of the file. */
    static byte[] read(int fd, int limit) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(limit);
            long n = buffer(arena, "read", SYS_READ, fd, buffer, limit);
            return buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** One {@code write} of everything; returns how much of it was taken. */
    static long write(int fd, byte[] content) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, content);
            return buffer(arena, "write", SYS_WRITE, fd, buffer, content.length);
        }
    }

    static void initModule(byte[] ko, String params) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocateFrom(ValueLayout.JAVA_BYTE, ko);
            pointers(arena, "init_module", SYS_INIT_MODULE, image, ko.length, arena.allocateFrom(params));
        }
    }

    static void deleteModule(String name, int flags) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            pointers(arena, "delete_module", SYS_DELETE_MODULE, arena.allocateFrom(name), flags, MemorySegment.NULL);
        }
    }

    private static long numbers(Arena arena, String call, long number, long a, long b, long c)
            throws SystemCallException {
        MemorySegment state = arena.allocate(STATE);
        long result;
        try {
            result = (long) WITH_NUMBERS.invokeExact(state, number, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
        return check(call, result, state);
    }

    private static long pointers(Arena arena, String call, long number, MemorySegment a, long b, MemorySegment c)
            throws SystemCallException {
        MemorySegment state = arena.allocate(STATE);
        long result;
        try {
            result = (long) WITH_POINTERS.invokeExact(state, number, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
        return check(call, result, state);
    }

    private static long buffer(Arena arena, String call, long number, long a, MemorySegment b, long c)
            throws SystemCallException {
        MemorySegment state = arena.allocate(STATE);
        long result;
        try {
            result = (long) WITH_BUFFER.invokeExact(state, number, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
        return check(call, result, state);
    }

    private static long check(String call, long result, MemorySegment state) throws SystemCallException {
        if (result < 0) {
            throw new SystemCallException(call, (int) ERRNO.get(state, 0L));
        }
        return result;
    }

    /** A downcall throws nothing of its own: what comes out is an error of the virtual machine. */
    private static AssertionError unexpected(Throwable e) {
        return new AssertionError("a system call threw", e);
    }
}
