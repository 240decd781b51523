package io.kmolt.swap;

import io.kmolt.target.CommandResult;
import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A target whose connection dies, by SIGKILL of everything at its far end, at one of the steps that are taken with the
 * core's device open: before the step, or while it is under way.
 */
final class MortalTarget implements Target {
    /** When a step is under way. */
    private static final long MOMENT_MILLIS = 40;

    private final Target mortal;
    private final Target killer;
    private final int shell;
    private final int fatalStep;
    private final boolean amid;
    private final List<String> steps = new ArrayList<>();
    private boolean begun;
    private boolean dead;

    /**
     * Wraps a target.
     *
     * @param mortal the one that dies; over a shell of its own
     * @param killer another one, over another shell of the same kernel
     * @param fatalStep which step, counted from 0
     * @param amid whether it dies amid the step, or before it
     */
    MortalTarget(Target mortal, Target killer, int fatalStep, boolean amid) throws TargetException {
        this.mortal = mortal;
        this.killer = killer;
        this.fatalStep = fatalStep;
        this.amid = amid;
        this.shell =
                Integer.parseInt(mortal.run("sed -n 's/^PPid:[^0-9]*//p' /proc/$PPID/status", Target.DEFAULT_TIMEOUT)
                        .stdout()
                        .strip());
    }

    /** The steps that were begun; the last one was fatal if {@link #died}. */
    List<String> steps() {
        return steps;
    }

    boolean died() {
        return dead;
    }

    private interface Step<T> {
        T take() throws TargetException;
    }

    private <T> T step(String name, Step<T> step) throws TargetException {
        if (!begun) {
            return step.take();
        }
        if (dead) {
            throw new Death(name);
        }
        // Amid a look at a file there is nothing to be found that is not there before it.
        if (amid && !changesSomething(name)) {
            return step.take();
        }
        steps.add(name);
        if (steps.size() - 1 != fatalStep) {
            return step.take();
        }
        dead = true;
        if (!amid) {
            kill();
            throw new Death(name);
        }
        CompletableFuture<Void> death = CompletableFuture.runAsync(() -> {
            try {
                Thread.sleep(MOMENT_MILLIS);
                kill();
            } catch (TargetException | InterruptedException e) {
                throw new CompletionException(e);
            }
        });
        try {
            return step.take();
        } finally {
            death.join();
        }
    }

    private static boolean changesSomething(String step) {
        return !step.startsWith("read ")
                && !step.startsWith("exists ")
                && !step.startsWith("list ")
                && !step.startsWith("run ");
    }

    private static final class Death extends TargetException {
        Death(String step) {
            super("killed before " + step);
        }
    }

    /**
     * The shell and all that it has started, in groups of their own included. They are stopped first, until no look finds
     * one more: what is killed while it forks would leave a child that nobody knows.
     */
    private void kill() throws TargetException {
        killer.run("""
                all= found=%d
                while [ "$all" != "$found" ]; do
                    all=$found
                    kill -STOP $all
                    found= generation=${all%%%% *}
                    while [ "$generation" ]; do
                        found="$found $generation" children=
                        for p in $generation; do children="$children $(cat /proc/$p/task/*/children 2>/dev/null)"; done
                        generation=$(echo $children)
                    done
                    found=$(echo $found)
                done
                kill -KILL $all
                """.formatted(shell), Target.DEFAULT_TIMEOUT);
        // Nobody answers any more; a line that still stands would only be waited for.
        mortal.close();
    }

    @Override
    public Conversation open(String devicePath) throws TargetException {
        begun = true;
        Conversation conversation = step("open " + devicePath, () -> mortal.open(devicePath));
        return new Conversation() {
            @Override
            public String exchange(String line, Duration timeout) throws TargetException {
                return step(line, () -> conversation.exchange(line, timeout));
            }

            @Override
            public void close() {
                conversation.close();
            }
        };
    }

    @Override
    public String describe() {
        return mortal.describe();
    }

    @Override
    public byte[] readFile(String path) throws TargetException {
        return step("read " + path, () -> mortal.readFile(path));
    }

    @Override
    public void writeFile(String path, byte[] content) throws TargetException {
        step("write " + path, () -> {
            mortal.writeFile(path, content);
            return path;
        });
    }

    @Override
    public List<String> list(String folder) throws TargetException {
        return step("list " + folder, () -> mortal.list(folder));
    }

    @Override
    public boolean exists(String path) throws TargetException {
        return step("exists " + path, () -> mortal.exists(path));
    }

    @Override
    public String insertModule(byte[] ko, String name, String params) throws TargetException {
        return step("insmod " + name, () -> mortal.insertModule(ko, name, params));
    }

    @Override
    public void removeModule(String name) throws TargetException {
        step("rmmod " + name, () -> {
            mortal.removeModule(name);
            return name;
        });
    }

    @Override
    public CommandResult run(String script, Duration timeout) throws TargetException {
        return step("run " + script.strip().lines().findFirst().orElse(""), () -> mortal.run(script, timeout));
    }

    @Override
    public void close() {
        mortal.close();
    }
}
