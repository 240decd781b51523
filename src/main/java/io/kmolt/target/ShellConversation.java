package io.kmolt.target;

import java.time.Duration;

/** A descriptor that a {@link ShellTarget}'s shell holds open. */
final class ShellConversation implements Conversation {
    private final ShellTarget target;
    private final String path;
    private final int fd;
    private boolean closed;

    ShellConversation(ShellTarget target, String path, int fd) {
        this.target = target;
        this.path = path;
        this.fd = fd;
    }

    String path() {
        return path;
    }

    int fd() {
        return fd;
    }

    @Override
    public String exchange(String line, Duration timeout) throws TargetException {
        if (closed) {
            throw new TargetFileException("write", path, Errno.EBADF, "the conversation was closed");
        }
        return target.exchange(this, checkLine(line), timeout);
    }

    static String checkLine(String line) {
        if (line.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("one line at a time: " + line);
        }
        return line;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            target.close(this);
        }
    }
}
