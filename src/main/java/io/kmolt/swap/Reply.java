package io.kmolt.swap;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The core's reply to a command, as {@code docs/abi.md} describes it.
 *
 * @param values the lines of a name and a value
 * @param blockers the tasks that it names
 * @param error name of the error, empty if the command succeeded
 * @param message what the core says of it
 */
record Reply(Map<String, String> values, List<Blocker> blockers, String error, String message) {

    static Reply parse(String text) {
        Map<String, String> values = new HashMap<>();
        List<Blocker> blockers = new ArrayList<>();
        String error = "";
        String message = "";
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ", 2);
            String rest = words.length > 1 ? words[1] : "";
            switch (words[0]) {
                case "ok" -> {}
                case "error" -> {
                    int colon = rest.indexOf(": ");
                    error = colon < 0 ? rest : rest.substring(0, colon);
                    message = colon < 0 ? rest : rest.substring(colon + 2);
                }
                case "blocker" -> {
                    String[] task = rest.split(" ", 2);
                    blockers.add(new Blocker(
                            Integer.parseInt(task[0]), task.length > 1 ? task[1] : "", "", new ArrayList<>()));
                }
                case "in" -> replaceLast(blockers, rest);
                case "unreliable" -> replaceLast(blockers, "its stack cannot be read reliably");
                case "stack" -> blockers.getLast().stack().add(rest);
                default -> values.put(words[0], rest);
            }
        }
        return new Reply(values, blockers, error, message);
    }

    private static void replaceLast(List<Blocker> blockers, String where) {
        Blocker last = blockers.removeLast();
        blockers.add(new Blocker(last.pid(), last.command(), where, last.stack()));
    }

    boolean isOk() {
        return error.isEmpty();
    }

    /** A number that the core reports; 0 if it does not. */
    long number(String name) {
        String value = values.get(name);
        return value == null ? 0 : Long.parseLong(value);
    }
}
