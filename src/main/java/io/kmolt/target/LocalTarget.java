package io.kmolt.target;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.SystemCalls.SystemCallException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The kernel that the tool itself runs on. */
public final class LocalTarget implements Target {
    private static final String NAME = "this machine";
    private final List<LocalConversation> conversations = new ArrayList<>();

    @Override
    public String describe() {
        return NAME;
    }

    @Override
    public byte[] readFile(String path) throws TargetException {
        // Not Files.readAllBytes: the sizes that sysfs and procfs report mean nothing.
        try (InputStream in = Files.newInputStream(Path.of(path))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw fileError("read", path, e);
        }
    }

    @Override
    public void writeFile(String path, byte[] content) throws TargetException {
        // A FileOutputStream writes an array with one system call up to 8,192 bytes; sysfs depends on that.
        try (FileOutputStream out = new FileOutputStream(path)) {
            out.write(content);
        } catch (IOException e) {
            throw fileError("write", path, e);
        }
    }

    @Override
    public List<String> list(String folder) throws TargetException {
        try (Stream<Path> entries = Files.list(Path.of(folder))) {
            return entries.map(p -> String.valueOf(p.getFileName())).sorted().toList();
        } catch (IOException e) {
            throw fileError("list", folder, e);
        }
    }

    @Override
    public boolean exists(String path) {
        return Files.exists(Path.of(path), LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public synchronized String insertModule(byte[] ko, String module, String params) throws TargetException {
        try (KernelLog log = KernelLog.fromNow()) {
            try {
                SystemCalls.initModule(ko, params);
            } catch (SystemCallException e) {
                throw new ModuleLoadException(NAME, module, e.errno(), log.lines());
            }
            return log.lines();
        }
    }

    @Override
    public synchronized void removeModule(String module) throws TargetException {
        try {
            SystemCalls.deleteModule(module, SystemCalls.O_NONBLOCK);
        } catch (SystemCallException e) {
            throw new ModuleUnloadException(NAME, module, e.errno());
        }
    }

    @Override
    public CommandResult run(String script, Duration timeout) throws TargetException {
        // Into files, not pipes: a process left in the background would hold a pipe open.
        Path stdout = null;
        Path stderr = null;
        try {
            stdout = Files.createTempFile("kmolt-", ".out");
            stderr = Files.createTempFile("kmolt-", ".err");
            Process process = new ProcessBuilder("setsid", "-w", "sh", "-c", script)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(stdout.toFile())
                    .redirectError(stderr.toFile())
                    .start();
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                List<ProcessHandle> family = process.descendants().toList();
                process.destroyForcibly().waitFor();
                family.forEach(ProcessHandle::destroyForcibly);
                throw new CommandTimeoutException(NAME, script, timeout, text(stdout), text(stderr));
            }
            return new CommandResult(process.exitValue(), text(stdout), text(stderr));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TargetException("interrupted while waiting for: " + script, e);
        } catch (TargetException e) {
            throw e;
        } catch (IOException e) {
            throw new TargetException("cannot run a shell: " + e.getMessage(), e);
        } finally {
            delete(stdout);
            delete(stderr);
        }
    }

    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), UTF_8);
    }

    private static void delete(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // A temporary file more; nothing depends on it.
        }
    }

    @Override
    public synchronized Conversation open(String devicePath) throws TargetException {
        try {
            int fd = SystemCalls.open(devicePath, SystemCalls.O_RDWR | SystemCalls.O_CLOEXEC);
            LocalConversation conversation = new LocalConversation(devicePath, fd);
            conversations.add(conversation);
            return conversation;
        } catch (SystemCallException e) {
            throw new TargetFileException("open", devicePath, e.errno(), "");
        }
    }

    private static TargetFileException fileError(String verb, String path, IOException e) {
        Errno errno = switch (e) {
            case NoSuchFileException _ -> Errno.ENOENT;
            case AccessDeniedException _ -> Errno.EACCES;
            case NotDirectoryException _ -> Errno.ENOTDIR;
            case FileSystemException f -> Errno.ofMessage(String.valueOf(f.getReason()));
            default -> Errno.ofMessage(parenthesised(String.valueOf(e.getMessage())));
        };
        return new TargetFileException(verb, path, errno, errno == Errno.UNKNOWN ? String.valueOf(e.getMessage()) : "");
    }

    /** {@code FileOutputStream} says {@code /x (Permission denied)}. */
    private static String parenthesised(String message) {
        int open = message.lastIndexOf('(');
        return open >= 0 && message.endsWith(")") ? message.substring(open + 1, message.length() - 1) : message;
    }

    @Override
    public synchronized void close() {
        conversations.forEach(LocalConversation::close);
        conversations.clear();
    }
}
