package io.kmolt.target;

import java.time.Duration;

/**
 * One open descriptor of a device with a line protocol, such as {@code /dev/kmolt}.
 *
 * <p>A request is one line, written at once. The reply is any number of data lines and a last line whose first word is
 * {@code ok} or {@code error}. Closing closes the descriptor, whatever the device makes of that.
 */
public interface Conversation extends AutoCloseable {
    /** How long {@link #exchange(String)} waits for a whole reply. */
    Duration DEFAULT_TIMEOUT = Duration.ofMinutes(5);

    /**
     * Sends a line and waits for the whole reply.
     *
     * @param line without a newline in it
     * @return the reply, last line included, each line ended by a newline
     * @throws CommandTimeoutException when the reply is not complete in time; the conversation is closed then
     * @throws TargetFileException when the device refuses the write or ends before the last line
     */
    String exchange(String line, Duration timeout) throws TargetException;

    /** {@link #exchange(String, Duration)} with {@link #DEFAULT_TIMEOUT}. */
    default String exchange(String line) throws TargetException {
        return exchange(line, DEFAULT_TIMEOUT);
    }

    /** Closes the descriptor; a second call does nothing. */
    @Override
    void close();

    /** Whether this line ends a reply. */
    static boolean isLast(String line) {
        return line.equals("ok") || line.startsWith("ok ") || line.equals("error") || line.startsWith("error ");
    }
}
