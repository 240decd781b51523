package io.kmolt.swap;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.kmolt.target.CommandResult;
import io.kmolt.target.ShellQuote;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.ToLongFunction;

/**
 * A target's journal, {@code /var/lib/kmolt/RELEASE/journal}: a line of JSON before each change and one after it, so that
 * a kmolt that was killed in between is noticed. Lines are only ever appended, each by one write, and synced.
 */
public final class Journal {
    /** Enough for some hundred operations; what is asked for before each of them. */
    private static final int RECENT = 256 * 1024;

    private static final String QUESTION = """
            echo "boot $(cat /proc/sys/kernel/random/boot_id)"
            echo "uid $(id -u)"
            echo "sudo $SUDO_USER"
            echo "login $(cat /proc/self/loginuid 2>/dev/null)"
            [ ! -f FILE ] || tail -c BYTES FILE | sed 's/^/= /'
            """;

    private final Target target;
    private final String file;
    private final boolean kept;
    private final Vitals who;
    private final JournalText recent;

    private Journal(Target target, String file, boolean kept, Vitals who, JournalText recent) {
        this.target = target;
        this.file = file;
        this.kept = kept;
        this.who = who;
        this.recent = recent;
    }

    /** Something that can be done to a kernel. */
    @FunctionalInterface
    interface Change<T> {
        T run() throws IOException, SwapException;
    }

    /**
     * Looks at it.
     *
     * @param kept whether anything is to be written
     */
    static Journal open(Target target, String release, boolean kept) throws TargetException {
        String file = "/var/lib/kmolt/" + release + "/journal";
        String script = QUESTION.replace("FILE", file).replace("BYTES", "" + RECENT);
        StringBuilder facts = new StringBuilder();
        List<String> lines = new ArrayList<>();
        for (String line :
                target.run(script, Target.DEFAULT_TIMEOUT).stdout().lines().toList()) {
            if (line.startsWith("= ")) {
                lines.add(line.substring(2));
            } else {
                facts.append(line).append('\n');
            }
        }
        if (size(lines) >= RECENT - 1) {
            lines.removeFirst(); // the end of a line
        }
        return new Journal(target, file, kept, Vitals.parse(facts.toString()), JournalText.parse(lines));
    }

    private static long size(List<String> lines) {
        return lines.stream()
                .mapToLong(line -> line.getBytes(UTF_8).length + 1L)
                .sum();
    }

    /** All of it. */
    public static JournalText read(Target target) throws IOException {
        String file = "/var/lib/kmolt/" + Facts.release(target) + "/journal";
        return JournalText.parse(
                target.exists(file)
                        ? new String(target.readFile(file), UTF_8).lines().toList()
                        : List.of());
    }

    private static String client() {
        String host;
        try {
            host = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            host = "unknown";
        }
        return System.getProperty("user.name") + "@" + host;
    }

    JournalText recent() {
        return recent;
    }

    String boot() {
        return who.get("boot");
    }

    /**
     * Makes a change between its two lines.
     *
     * @param warnings receives what is wrong with the journal itself, unless the change is not made for that
     * @param pause what the change's result says of its pause, in nanoseconds
     * @throws SwapException if the change is refused, or if the journal must be written and cannot
     */
    <T> T during(JournalEntry plan, boolean must, List<String> warnings, ToLongFunction<T> pause, Change<T> change)
            throws IOException, SwapException {
        JournalEntry intent = intent(plan, must, warnings);
        T result;
        try {
            result = change.run();
        } catch (SwapException e) {
            end(intent, e.kind().name().toLowerCase(Locale.ROOT), String.valueOf(e.getMessage()), 0);
            throw e;
        } catch (IOException e) {
            endQuietly(intent, String.valueOf(e.getMessage()));
            throw e;
        }
        warnings.addAll(end(intent, "done", "", pause.applyAsLong(result)));
        return result;
    }

    /**
     * Writes down what is about to happen.
     *
     * @throws SwapException if it must be written and cannot
     */
    private JournalEntry intent(JournalEntry plan, boolean must, List<String> warnings)
            throws IOException, SwapException {
        JournalEntry intent = named(plan);
        List<String> problems = write(intent);
        if (must && !problems.isEmpty()) {
            throw SwapException.unfit(problems.getFirst() + "; nothing has changed; --no-journal swaps without it");
        }
        warnings.addAll(problems);
        return intent;
    }

    /** The same with who is about to do it, and a name of its own. */
    JournalEntry named(JournalEntry plan) throws TargetException {
        String owner = target.exists(Core.SYSFS + "/owner") ? target.readText(Core.SYSFS + "/owner") : "";
        return plan.with("id", UUID.randomUUID().toString().substring(0, 8))
                .with("boot", boot())
                .with("holder", owner)
                .with("uid", who.get("uid"))
                .with("sudoUser", who.get("sudo"))
                .with("loginUid", who.get("login"))
                .with("client", client());
    }

    /** Writes down how something ended; returns what is wrong with the journal, for it is too late to refuse. */
    List<String> end(JournalEntry intent, String outcome, String reason, long pauseNanos) throws TargetException {
        JournalEntry entry = intent.ended(outcome, reason, answers(target, intent.get("module")));
        return write(pauseNanos == 0 ? entry : entry.with("pauseNanos", "" + pauseNanos));
    }

    private void endQuietly(JournalEntry intent, String reason) {
        try {
            end(intent, "failed", reason, 0);
        } catch (TargetException e) {
            // The target is lost; the intent without an outcome will tell.
        }
    }

    /**
     * Says of what others left unfinished how it stands, and closes it; returns that for people. {@code /dev/kmolt} is ours,
     * so that nobody is still at it.
     */
    List<String> settle(CoreState core) throws TargetException {
        List<String> told = new ArrayList<>();
        for (JournalEntry open : recent.unfinished(who.get("boot"), Owner.NONE)) {
            String what = unfinished(open, core);
            told.add(what);
            write(open.ended("interrupted", what, core.answers(open.get("module"))));
        }
        return told;
    }

    /** What is known of something that was begun and not ended. */
    static String unfinished(JournalEntry intent, CoreState core) {
        String current = core.answers(intent.get("module"));
        return "%s of %s, begun at %s by uid %s from %s, was not finished: kmolt was ended, or lost the target; now %s"
                .formatted(
                        intent.get("verb"),
                        intent.get("module"),
                        intent.get("time"),
                        intent.get("uid"),
                        intent.get("client"),
                        current.equals(SwappedModule.BASE) ? "the base answers" : current + " answers");
    }

    static String answers(Target target, String module) throws TargetException {
        String file = Core.SYSFS + "/modules/" + module + "/current";
        return target.exists(file) ? target.readText(file) : SwappedModule.BASE;
    }

    /** Appends a line; returns what is wrong with the journal. */
    List<String> write(JournalEntry entry) throws TargetException {
        if (!kept) {
            return List.of();
        }
        CommandResult result = target.run(script(entry), Target.DEFAULT_TIMEOUT);
        if (result.ok()) {
            return List.of();
        }
        String why = result.stderr().strip();
        return List.of("the journal " + file + " on " + target.describe() + " cannot be written"
                + (why.isEmpty() ? "" : ": " + why.lines().reduce("", (a, b) -> b)));
    }

    /** A script that appends an entry, and tells the system's log of an outcome. */
    String script(JournalEntry entry) {
        String folder = file.substring(0, file.lastIndexOf('/'));
        String line = ShellQuote.word(entry.json().substring(1));
        String append = """
                mkdir -p FOLDER && (umask 077; [ ! -s FILE ] || [ -z "$(tail -c 1 FILE)" ] || echo >>FILE
                printf '{"time":"%s",%s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" LINE >>FILE) &&
                { sync FILE FOLDER 2>/dev/null || sync; }
                """;
        String tell = !entry.isIntent()
                ? "s=$?; ! command -v logger >/dev/null || logger -t kmolt -p user.notice -- "
                        + ShellQuote.word("%s of %s: %s, %s answers, build-id %s, by uid %s from %s"
                                .formatted(
                                        entry.get("verb"),
                                        entry.get("module"),
                                        entry.get("outcome"),
                                        entry.get("answers"),
                                        entry.get("buildId"),
                                        entry.get("uid"),
                                        entry.get("client")))
                        + " 2>/dev/null </dev/null; (exit $s)\n"
                : "";
        return append.replace("FOLDER", folder).replace("FILE", file).replace("LINE", line) + tell;
    }
}
