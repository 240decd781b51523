package io.kmolt.swap;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The core's reply to a command, as {@code docs/abi.md} describes it.
 *
 * @param lines its lines of a name and a value, as they are
 * @param blockers the tasks that it names
 * @param late the CPU that did not come to rest, if that is why nothing was done
 * @param error name of the error, empty if the command succeeded
 * @param message what the core says of it
 */
public record Reply(List<Line> lines, List<Blocker> blockers, Optional<Late> late, String error, String message) {

    /** A line of a name and a value. */
    public record Line(String name, String value) {}

    public static Reply parse(String text) {
        List<Line> lines = new ArrayList<>();
        List<Blocker> blockers = new ArrayList<>();
        Optional<Late> late = Optional.empty();
        String error = "";
        String message = "";
        boolean complete = false;
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ", 2);
            String rest = words.length > 1 ? words[1] : "";
            switch (words[0]) {
                case "ok" -> complete = true;
                case "error" -> {
                    complete = true;
                    int colon = rest.indexOf(": ");
                    error = colon < 0 ? rest : rest.substring(0, colon);
                    message = colon < 0 ? rest : rest.substring(colon + 2);
                }
                case "blocker" -> {
                    String[] task = rest.split(" ", 2);
                    blockers.add(new Blocker(
                            Integer.parseInt(task[0]), task.length > 1 ? task[1] : "", "", new ArrayList<>()));
                }
                case "late" -> late = Optional.of(Late.parse(rest));
                case "in" -> replaceLast(blockers, rest);
                case "unreliable" -> replaceLast(blockers, "its stack cannot be read reliably");
                case "stack" -> blockers.getLast().stack().add(rest);
                default -> lines.add(new Line(words[0], rest));
            }
        }
        if (!complete) {
            return new Reply(lines, blockers, late, "failed", "the core's reply is not complete");
        }
        return new Reply(lines, blockers, late, error, message);
    }

    private static void replaceLast(List<Blocker> blockers, String where) {
        Blocker last = blockers.removeLast();
        blockers.add(new Blocker(last.pid(), last.command(), where, last.stack()));
    }

    /** The value that a name has, or {@code otherwise}. */
    public String value(String name, String otherwise) {
        return values(name).stream().findFirst().orElse(otherwise);
    }

    /** All values that a name has. */
    public List<String> values(String name) {
        return lines.stream()
                .filter(line -> line.name().equals(name))
                .map(Line::value)
                .toList();
    }

    public boolean isOk() {
        return error.isEmpty();
    }

    /** Whether it was not tried to stop all CPUs, as one was coming or going all the time. */
    public boolean isKeptByHotplug() {
        return number("hotplug") != 0;
    }

    /** A number that the core reports; 0 if it does not. */
    public long number(String name) {
        return Long.parseLong(value(name, "0"));
    }
}
