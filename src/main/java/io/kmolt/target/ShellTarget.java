package io.kmolt.target;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.ShellLink.Frame;
import io.kmolt.target.ShellLink.Request;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A target behind one persistent POSIX shell: {@code ssh host sudo sh}, or a lab guest's port.
 *
 * <p>The other side needs a POSIX shell (dash, busybox, bash), {@code cat}, {@code ls}, {@code mktemp}, a {@code dd}
 * that knows {@code iflag=fullblock}, {@code setsid}, and for modules {@code insmod}, {@code rmmod} and {@code dmesg}.
 * The stream must be 8-bit clean: no terminal.
 *
 * <p>File operations run in the shell itself. Commands and conversations run as its background jobs, so that the shell
 * stays free to end them when they take too long, and a process that hangs in the kernel does not take the connection
 * with it.
 */
public final class ShellTarget implements Target {
    private static final Duration CONNECT = Duration.ofMinutes(1);
    private static final Duration FILE_TIMEOUT = Duration.ofMinutes(2);

    /** A shell that does not even start a kill within this time runs on a kernel that hangs. */
    private static final Duration KILL_TIMEOUT = Duration.ofSeconds(30);

    /** Jobs must not hold open what conversations do: one that hangs would keep a device that its shell has let go of. */
    private static final String LET_GO = "exec 5>&- 6>&- 7>&- 8>&- 9>&-";

    private static final int BLOCK = 64 * 1024;
    private static final int LOG_LINES = 400;

    private final String name;
    private final ShellLink link;
    private final List<ShellConversation> conversations = new ArrayList<>();

    /** A folder on the other side, for what commands print; its name is not to be guessed. */
    private String scratch = "";

    private ShellTarget(String name, ShellLink link) {
        this.name = name;
        this.link = link;
    }

    /**
     * Takes over a shell.
     *
     * @param name what {@link #describe} says
     * @param in what the shell prints
     * @param out what the shell reads
     * @param closer ends the shell and what carries it; runs once
     * @param epitaph asked when the connection is lost: what else is known, such as a crash's kernel log
     * @throws TargetLostException when no usable shell answers within a minute
     */
    public static ShellTarget over(
            String name, InputStream in, OutputStream out, Runnable closer, Supplier<Epitaph> epitaph)
            throws TargetException {
        return over(name, in, out, closer, epitaph, CONNECT);
    }

    /** {@link #over(String, InputStream, OutputStream, Runnable, Supplier)} with another limit for the first answer. */
    public static ShellTarget over(
            String name,
            InputStream in,
            OutputStream out,
            Runnable closer,
            Supplier<Epitaph> epitaph,
            Duration connectTimeout)
            throws TargetException {
        ShellLink link = new ShellLink(name, in, out, closer, epitaph);
        ShellTarget target = new ShellTarget(name, link);
        try {
            target.prepare(connectTimeout);
            return target;
        } catch (TargetException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    /**
     * Starts a command that offers a shell on its standard streams, such as {@code ssh -T host sudo -n sh}.
     *
     * @throws TargetLostException when it cannot be started, or no shell answers
     */
    public static ShellTarget overProcess(String name, List<String> argv) throws TargetException {
        Process process;
        try {
            process = new ProcessBuilder(argv).start();
        } catch (IOException e) {
            throw new TargetLostException("cannot reach " + name + ": " + e.getMessage(), false, e);
        }
        ByteQueue complaints = new ByteQueue(process.getErrorStream(), name + "-stderr");
        Runnable closer = () -> endGently(process);
        Supplier<Epitaph> epitaph = () -> {
            try {
                Thread.sleep(100); // its last words arrive on another thread
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return new Epitaph(new String(complaints.drain(), UTF_8), false);
        };
        return over(name, process.getInputStream(), process.getOutputStream(), closer, epitaph);
    }

    /** Lets a shell clean up at the end of its input, and kills what does not end then. */
    private static void endGently(Process process) {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // The process is gone already; that is what closing is for.
        }
        try {
            if (!process.waitFor(2, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Makes the shell ready and tells whether there is one. Asks again now and then: what was sent to a port of a
     * guest while its former user's shell was ending is lost. Asking twice does no harm.
     */
    private void prepare(Duration timeout) throws TargetException {
        long deadline = System.nanoTime() + timeout.toNanos();
        Frame frame = null;
        for (long patience = 1; frame == null; patience = Math.min(8, 2 * patience)) {
            Request request = link.next();
            // The first line may go to a loop that starts the shell when it sees one.
            link.send(":\n");
            link.send(greeting(request));
            long rest = deadline - System.nanoTime();
            if (rest <= 0) {
                throw link.lose("no shell answered within " + timeout.toMillis() / 1000.0 + " s", null);
            }
            frame = link.await(request, Duration.ofNanos(Math.min(rest, TimeUnit.SECONDS.toNanos(patience))));
        }
        if (frame.status() != 0) {
            throw link.lose(
                    "its shell lacks something needed (mkdir in /run or /tmp, dd with iflag=fullblock, setsid): "
                            + frame.text().strip(),
                    null);
        }
        scratch = frame.text().lines().findFirst().orElse("");
    }

    private String greeting(Request request) {
        String folder = "kmolt." + link.nonce();
        // At the shell's end, as when the tool was killed: end the job, which may hold a device open, and its
        // processes.
        String lastWords =
                "[ -z \"$J\" ] || kill -KILL $J; for p in $D/*p; do [ -f $p ] && read P <$p && kill -KILL -$P;"
                        + " done; rm -rf $D";
        // A guest's port may be taken before the shell there has noticed that its user is gone. That shell must end,
        // with whatever it holds open; the next time the line is sent, it finds a new one.
        return "[ \"${KMOLT_LINK-" + link.nonce() + "}\" = " + link.nonce() + " ] || exit; KMOLT_LINK=" + link.nonce()
                + "; L=${L-$LC_ALL}; LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; export PATH; J=; D=/run/"
                + folder
                + "; " + request.begin()
                + "; { [ -d $D ] || mkdir -m 700 $D 2>/dev/null || { D=/tmp/" + folder
                + "; [ -d $D ] || mkdir -m 700 $D; }; } 2>&1 && echo $D && trap '" + lastWords
                + "' EXIT && exec 2>$D/shell && dd iflag=fullblock bs=1 count=0 2>&1 && command -v setsid; "
                + request.end("$?") + "\n";
    }

    @Override
    public String describe() {
        return name;
    }

    @Override
    public synchronized byte[] readFile(String path) throws TargetException {
        return file("read", path, "cat <" + ShellQuote.word(path)).data();
    }

    @Override
    public synchronized List<String> list(String folder) throws TargetException {
        // The trailing slash makes a file an error and follows a link to a folder.
        String text =
                file("list", folder, "ls -1A " + ShellQuote.word(folder + "/")).text();
        List<String> names = new ArrayList<>(text.isEmpty() ? List.of() : List.of(text.split("\n")));
        Collections.sort(names);
        return List.copyOf(names);
    }

    @Override
    public synchronized boolean exists(String path) throws TargetException {
        String word = ShellQuote.word(path);
        return foreground("[ -e " + word + " ] || [ -L " + word + " ]").status() == 0;
    }

    @Override
    public synchronized void writeFile(String path, byte[] content) throws TargetException {
        // dd takes exactly the content's bytes from the shell's input, and the pipe's reader takes them all even when
        // it cannot write them: whatever fails, no byte of the content is left for the shell to execute.
        Request request = link.next();
        int blocks = content.length / BLOCK;
        int rest = content.length % BLOCK;
        link.send(request.begin() + "; { dd iflag=fullblock bs=" + BLOCK + " count=" + blocks
                + "; dd iflag=fullblock bs=" + Math.max(1, rest) + " count=" + (rest == 0 ? 0 : 1)
                + "; } 2>/dev/null | { { cat >" + ShellQuote.word(path)
                + "; } 2>" + scratch + "/e || { cat >/dev/null; false; }; }; s=$?; " + request.middle()
                + "; [ $s = 0 ] || cat " + scratch + "/e; " + request.end("$s") + "\n");
        if (!link.awaitBegin(request, FILE_TIMEOUT)) {
            throw hung("write " + path);
        }
        link.send(content, FILE_TIMEOUT);
        Frame frame = link.awaitEnd(request, FILE_TIMEOUT);
        if (frame == null) {
            throw hung("write " + path);
        }
        if (frame.status() != 0) {
            throw fileError("write", path, frame.moreText());
        }
    }

    @Override
    public synchronized String insertModule(byte[] ko, String module, String params) throws TargetException {
        String file = scratch + "/" + module.replaceAll("[^A-Za-z0-9_.-]", "_") + ".ko";
        writeFile(file, ko);
        String script = "LC_ALL=C; export LC_ALL; dmesg | tail -n 1; echo; insmod " + ShellQuote.word(file) + " "
                + ShellQuote.words(ShellQuote.splitParameters(params)) + "; s=$?; dmesg | tail -n " + LOG_LINES
                + "; rm -f " + ShellQuote.word(file) + "; exit $s";
        CommandResult result = run(script, DEFAULT_TIMEOUT);
        String log = LogDelta.after(result.stdout());
        if (!result.ok()) {
            throw new ModuleLoadException(name, module, Errno.ofMessage(result.stderr()), log);
        }
        return log;
    }

    @Override
    public synchronized void removeModule(String module) throws TargetException {
        CommandResult result = run("LC_ALL=C exec rmmod " + ShellQuote.word(module), DEFAULT_TIMEOUT);
        if (!result.ok()) {
            throw new ModuleUnloadException(name, module, Errno.ofMessage(result.stderr()));
        }
    }

    @Override
    public synchronized CommandResult run(String script, Duration timeout) throws TargetException {
        Request request = link.next();
        String files = scratch + "/" + request.id();
        link.send("{ " + LET_GO + "; LC_ALL=$L; [ -n \"$L\" ] || unset LC_ALL; setsid sh -c " + ShellQuote.word(script)
                + " </dev/null >" + files + "o 2>" + files
                + "e & P=$!; echo $P >" + files + "p; wait $P; s=$?; " + request.begin() + "; cat " + files + "o; "
                + request.middle() + "; cat " + files + "e; " + request.end("$s") + "; rm -f " + files
                + "[oep]; } & J=$!\n");
        Frame frame = link.await(request, timeout);
        if (frame == null) {
            frame = killJob(request, files);
            throw new CommandTimeoutException(name, firstLine(script), timeout, frame.text(), frame.moreText());
        }
        link.send("wait $J; J=\n");
        return new CommandResult(frame.status(), frame.text(), frame.moreText());
    }

    /**
     * Ends a job, first kindly; a process that not even SIGKILL ends (it hangs in the kernel) is left behind. The kills
     * have no frames of their own: the job's, which may come at any moment now, must not get lost between their marks.
     */
    private Frame killJob(Request job, String files) throws TargetException {
        for (String signal : List.of("TERM", "KILL")) {
            link.send("read P <" + files + "p; kill -" + signal + " -$P\n");
            Frame frame = link.await(job, Duration.ofSeconds(2));
            if (frame != null) {
                link.send("wait $J; J=\n");
                return frame;
            }
        }
        Request request = link.next();
        link.send("kill -KILL $J; J=; " + request.begin() + "; cat " + files + "o; " + request.middle() + "; cat "
                + files + "e; " + request.end("0") + "\n");
        Frame frame = link.await(request, KILL_TIMEOUT);
        if (frame == null) {
            throw hung("kill a job");
        }
        return frame;
    }

    @Override
    public synchronized Conversation open(String devicePath) throws TargetException {
        int fd = freeDescriptor(devicePath);
        String word = ShellQuote.word(devicePath);
        // "<>" would create a missing file; "command" keeps the shell alive when exec's redirection fails.
        if (!exists(devicePath)) {
            throw new TargetFileException("open", devicePath, Errno.ENOENT, "");
        }
        file("open", devicePath, "command exec " + fd + "<>" + word);
        ShellConversation conversation = new ShellConversation(this, devicePath, fd);
        conversations.add(conversation);
        return conversation;
    }

    private int freeDescriptor(String devicePath) throws TargetException {
        for (int fd = 5; fd <= 9; fd++) { // POSIX promises one digit, dash knows no more
            int candidate = fd;
            if (conversations.stream().noneMatch(c -> c.fd() == candidate)) {
                return fd;
            }
        }
        throw new TargetFileException("open", devicePath, Errno.EMFILE, "");
    }

    /** Writes a line to an open descriptor and reads to the reply's last line, as a job. */
    synchronized String exchange(ShellConversation conversation, String line, Duration timeout) throws TargetException {
        Request request = link.next();
        String files = scratch + "/" + request.id();
        int fd = conversation.fd();
        link.send("{ " + request.begin() + "; printf '%s\\n' " + ShellQuote.word(line) + " >&" + fd + " 2>" + files
                + "e; s=$?; while [ $s = 0 ]; do if IFS= read -r l <&" + fd
                + "; then printf '%s\\n' \"$l\"; case $l in ok|ok\\ *|error|error\\ *) break;; esac; else s=99; fi; done; "
                + LET_GO + "; " + request.middle() + "; cat " + files + "e; rm -f " + files + "e; "
                + request.end("$s") + "; } & J=$!\n");
        Frame frame = link.await(request, timeout);
        if (frame == null) {
            link.send("kill -TERM $J; kill -KILL $J; J=\n");
            conversation.close();
            throw new CommandTimeoutException(
                    name, conversation.path() + ": " + line, timeout, "", "the descriptor has been closed");
        }
        link.send("wait $J; J=\n");
        if (frame.status() == 99) {
            throw new TargetFileException(
                    "read",
                    conversation.path(),
                    Errno.UNKNOWN,
                    "the reply to \"" + line + "\" ended early: " + frame.text());
        }
        if (frame.status() != 0) {
            throw fileError("write", conversation.path(), frame.moreText());
        }
        return frame.text();
    }

    synchronized void close(ShellConversation conversation) {
        if (conversations.remove(conversation) && !link.isLost()) {
            try {
                foreground("exec " + conversation.fd() + ">&-");
            } catch (TargetException e) {
                // The shell is gone, and with it the descriptor.
            }
        }
    }

    /** Runs a file operation whose complaints tell the error. */
    private Frame file(String verb, String path, String command) throws TargetException {
        Frame frame = foreground("{ " + command + "; } 2>" + scratch + "/e");
        if (frame.status() != 0) {
            throw fileError(verb, path, foreground("cat " + scratch + "/e").text());
        }
        return frame;
    }

    private TargetFileException fileError(String verb, String path, String complaint) {
        Errno errno = Errno.ofMessage(complaint);
        return new TargetFileException(verb, path, errno, errno == Errno.UNKNOWN ? complaint.strip() : "");
    }

    private Frame foreground(String command) throws TargetException {
        Request request = link.next();
        link.send(request.begin() + "; { " + command + "; } </dev/null; " + request.end("$?") + "\n");
        Frame frame = link.await(request, FILE_TIMEOUT);
        if (frame == null) {
            throw hung(command);
        }
        return frame;
    }

    private TargetLostException hung(String what) {
        return link.lose("its shell hangs since it was asked to " + firstLine(what), null);
    }

    private static String firstLine(String text) {
        String line = text.strip().lines().findFirst().orElse("");
        return line.length() > 200 ? line.substring(0, 200) + "…" : line;
    }

    @Override
    public void close() {
        // Not synchronized: closing must be able to end an operation that another thread waits in.
        if (!link.isLost()) {
            try {
                link.send("exit\n");
            } catch (TargetLostException e) {
                // Gone already.
            }
            link.close();
        }
    }
}
