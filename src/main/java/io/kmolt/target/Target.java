package io.kmolt.target;

import io.kmolt.sign.SigningKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * One running kernel: its files, its modules, and commands run on it as root.
 *
 * <p>All paths are absolute paths of the target. Every operation that fails throws a {@link TargetException} whose
 * message names the object and the cause. A target serves one operation at a time; calls from several threads wait for
 * each other.
 */
public interface Target extends AutoCloseable {
    /** How long {@link #run} and the module calls may take where the caller has no better figure. */
    Duration DEFAULT_TIMEOUT = Duration.ofMinutes(2);

    /** Names the target for people: {@code this machine}, {@code lab:demo}, {@code ssh:root@web1}. */
    String describe();

    /**
     * Reads a whole file, sysfs and procfs included.
     *
     * @throws TargetFileException when it cannot be read
     */
    byte[] readFile(String path) throws TargetException;

    /** The file's content as UTF-8, without leading and trailing white space. */
    default String readText(String path) throws TargetException {
        return new String(readFile(path), StandardCharsets.UTF_8).strip();
    }

    /**
     * Replaces a regular file's content, or writes to a sysfs or procfs file: content of at most 4,096 bytes arrives
     * there in one {@code write}.
     *
     * @throws TargetFileException when it cannot be created or the kernel refuses the content
     */
    void writeFile(String path, byte[] content) throws TargetException;

    /** {@link #writeFile(String, byte[])} with UTF-8 text, as it is: no newline is added. */
    default void writeText(String path, String content) throws TargetException {
        writeFile(path, content.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The names in a folder, sorted, without {@code .} and {@code ..}.
     *
     * @throws TargetFileException when it is not a readable folder
     */
    List<String> list(String folder) throws TargetException;

    /** Whether anything is at this path; a dangling symbolic link counts. */
    boolean exists(String path) throws TargetException;

    /**
     * Loads a module ({@code finit_module}).
     *
     * @param ko the whole file
     * @param name a name for messages and temporary files; the kernel takes the module's name from the file
     * @param params module parameters as in {@code insmod}, space separated; may be empty
     * @return the lines that the kernel log gained meanwhile, newest last; may be empty
     * @throws ModuleLoadException when the kernel refuses it, with the error's name and those log lines
     */
    String insertModule(byte[] ko, String name, String params) throws TargetException;

    /** The key that {@link #insertModule} signs with; none if it loads files as they are. */
    default Optional<SigningKey> signer() {
        return Optional.empty();
    }

    /**
     * Unloads a module ({@code delete_module} with {@code O_NONBLOCK}): fails at once when it is in use.
     *
     * @throws ModuleUnloadException when the kernel refuses
     */
    void removeModule(String name) throws TargetException;

    /**
     * Runs a POSIX shell script with no input, in a session of its own.
     *
     * @throws CommandTimeoutException when it still runs after {@code timeout}; it is killed, with its children
     */
    CommandResult run(String script, Duration timeout) throws TargetException;

    /** Runs a command without a shell's interpretation of its words. */
    default CommandResult run(List<String> argv, Duration timeout) throws TargetException {
        return run("exec " + ShellQuote.words(argv), timeout);
    }

    /**
     * Opens a device that speaks a line protocol, and keeps it open.
     *
     * @throws TargetFileException when it cannot be opened for reading and writing
     */
    Conversation open(String devicePath) throws TargetException;

    /** Ends the connection; open conversations are closed. Never fails: what cannot be closed is gone already. */
    @Override
    void close();
}
