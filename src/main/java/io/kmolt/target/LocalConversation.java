package io.kmolt.target;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.SystemCalls.SystemCallException;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A device held open by this process.
 *
 * <p>A reply that does not come in time leaves a thread in the kernel; the descriptor's file stays open until that read
 * returns or the process ends.
 */
final class LocalConversation implements Conversation {
    private static final int CHUNK = 64 * 1024;
    private final String path;
    private final int fd;
    private boolean closed;

    LocalConversation(String path, int fd) {
        this.path = path;
        this.fd = fd;
    }

    @Override
    public synchronized String exchange(String line, Duration timeout) throws TargetException {
        if (closed) {
            throw new TargetFileException("write", path, Errno.EBADF, "the conversation was closed");
        }
        byte[] request = (ShellConversation.checkLine(line) + "\n").getBytes(UTF_8);
        CompletableFuture<String> reply = CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return transact(request);
                    } catch (TargetException e) {
                        throw new CompletionException(e);
                    }
                },
                task -> Thread.ofPlatform().daemon().name("kmolt-" + path).start(task));
        try {
            return reply.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            close();
            throw new CommandTimeoutException(
                    "this machine", path + ": " + line, timeout, "", "the descriptor has been closed");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TargetException cause) {
                throw cause;
            }
            throw new TargetException("talking to " + path + " failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new TargetException("interrupted while waiting for " + path, e);
        }
    }

    private String transact(byte[] request) throws TargetException {
        try {
            long written = SystemCalls.write(fd, request);
            if (written != request.length) {
                throw new TargetFileException("write", path, Errno.UNKNOWN, "it took only " + written + " bytes");
            }
        } catch (SystemCallException e) {
            throw new TargetFileException("write", path, e.errno(), "");
        }
        ByteArrayOutputStream reply = new ByteArrayOutputStream();
        while (!complete(reply)) {
            byte[] chunk;
            try {
                chunk = SystemCalls.read(fd, CHUNK);
            } catch (SystemCallException e) {
                throw new TargetFileException("read", path, e.errno(), "");
            }
            if (chunk.length == 0) {
                throw new TargetFileException(
                        "read", path, Errno.UNKNOWN, "the reply ended early: " + reply.toString(UTF_8));
            }
            reply.writeBytes(chunk);
        }
        return reply.toString(UTF_8);
    }

    private static boolean complete(ByteArrayOutputStream reply) {
        String text = reply.toString(UTF_8);
        if (!text.endsWith("\n")) {
            return false;
        }
        String lines = text.substring(0, text.length() - 1);
        return Conversation.isLast(lines.substring(lines.lastIndexOf('\n') + 1));
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            try {
                SystemCalls.close(fd);
            } catch (SystemCallException e) {
                // The descriptor is gone either way (close(2)).
            }
        }
    }
}
