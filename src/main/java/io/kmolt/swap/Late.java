package io.kmolt.swap;

/**
 * A CPU that did not come to rest, so that the others were not stopped, or not for long.
 *
 * @param cpu its number
 * @param pid id of the task that was seen there; 0 if none was
 * @param command its name
 */
public record Late(int cpu, int pid, String command) {
    static Late parse(String text) {
        String[] words = text.split(" ", 3);
        return new Late(
                Integer.parseInt(words[0]),
                words.length > 1 ? Integer.parseInt(words[1]) : 0,
                words.length > 2 ? words[2] : "");
    }

    @Override
    public String toString() {
        String seen = pid == 0 ? "" : ": %s (pid %d) computes there".formatted(command, pid);
        return "CPU " + cpu + " does not come to rest" + seen;
    }
}
