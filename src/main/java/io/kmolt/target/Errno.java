package io.kmolt.target;

import java.util.Locale;

/**
 * The kernel's error numbers that the operations here can meet (asm-generic/errno-base.h and errno.h; the same on
 * x86-64), with the C library's texts.
 */
public enum Errno {
    EPERM(1, "Operation not permitted"),
    ENOENT(2, "No such file or directory"),
    ESRCH(3, "No such process"),
    EINTR(4, "Interrupted system call"),
    EIO(5, "Input/output error"),
    ENXIO(6, "No such device or address"),
    E2BIG(7, "Argument list too long"),
    ENOEXEC(8, "Exec format error"),
    EBADF(9, "Bad file descriptor"),
    EAGAIN(11, "Resource temporarily unavailable"),
    ENOMEM(12, "Cannot allocate memory"),
    EACCES(13, "Permission denied"),
    EFAULT(14, "Bad address"),
    EBUSY(16, "Device or resource busy"),
    EEXIST(17, "File exists"),
    EXDEV(18, "Invalid cross-device link"),
    ENODEV(19, "No such device"),
    ENOTDIR(20, "Not a directory"),
    EISDIR(21, "Is a directory"),
    EINVAL(22, "Invalid argument"),
    ENFILE(23, "Too many open files in system"),
    EMFILE(24, "Too many open files"),
    ENOTTY(25, "Inappropriate ioctl for device"),
    ETXTBSY(26, "Text file busy"),
    EFBIG(27, "File too large"),
    ENOSPC(28, "No space left on device"),
    EROFS(30, "Read-only file system"),
    EPIPE(32, "Broken pipe"),
    ERANGE(34, "Numerical result out of range"),
    EDEADLK(35, "Resource deadlock avoided"),
    ENAMETOOLONG(36, "File name too long"),
    ENOSYS(38, "Function not implemented"),
    ELOOP(40, "Too many levels of symbolic links"),
    ENODATA(61, "No data available"),
    EPROTO(71, "Protocol error"),
    EBADMSG(74, "Bad message"),
    EOVERFLOW(75, "Value too large for defined data type"),
    EOPNOTSUPP(95, "Operation not supported"),
    ETIMEDOUT(110, "Connection timed out"),
    EALREADY(114, "Operation already in progress"),
    ESTALE(116, "Stale file handle"),
    EKEYREJECTED(129, "Key was rejected by service"),
    EKEYEXPIRED(127, "Key has expired"),
    ENOKEY(126, "Required key not available"),
    ECANCELED(125, "Operation canceled"),
    /** Any other number or text. */
    UNKNOWN(-1, "unknown error");

    private final int number;
    private final String text;

    Errno(int number, String text) {
        this.number = number;
        this.text = text;
    }

    /** The number as system calls return it, positive. */
    public int number() {
        return number;
    }

    /** What {@code strerror} says in the C locale. */
    public String text() {
        return text;
    }

    /** The constant with this number, else {@link #UNKNOWN}. */
    public static Errno of(int number) {
        for (Errno errno : values()) {
            if (errno.number == number) {
                return errno;
            }
        }
        return UNKNOWN;
    }

    /**
     * The error behind a tool's message in the C locale, such as {@code cat: /x: No such file or directory}: what
     * stands after the last colon decides. Knows the words of dash, busybox and kmod where they differ from the C
     * library's.
     */
    public static Errno ofMessage(String message) {
        String line = message.strip();
        int newline = line.lastIndexOf('\n');
        line = newline < 0 ? line : line.substring(newline + 1);
        String said = line.substring(line.lastIndexOf(": ") < 0 ? 0 : line.lastIndexOf(": ") + 2)
                .strip();
        for (Errno errno : values()) {
            if (errno.text.equalsIgnoreCase(said)) {
                return errno;
            }
        }
        String lower = said.toLowerCase(Locale.ROOT);
        if (lower.startsWith("unknown symbol in module")) { // kmod, busybox: ENOENT of init_module
            return ENOENT;
        }
        return switch (lower) {
            case "invalid module format" -> ENOEXEC;
            case "invalid parameters" -> EINVAL;
            case "no such file", "directory nonexistent", "nonexistent directory" -> ENOENT; // dash, busybox
            case "i/o error" -> EIO;
            case "out of memory" -> ENOMEM;
            default -> line.contains("is in use") ? EAGAIN : line.contains("not currently loaded") ? ENOENT : UNKNOWN;
        };
    }
}
