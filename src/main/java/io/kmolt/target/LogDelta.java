package io.kmolt.target;

import java.util.List;

/** What a kernel log gained between two looks at it. */
public final class LogDelta {
    private LogDelta() {}

    /**
     * @param text the log's last line before, an empty line, and the log's end after
     * @return the lines after the last occurrence of that line; everything when it is not there any more
     */
    static String after(String text) {
        int first = text.indexOf('\n');
        if (first < 0) {
            return "";
        }
        String anchor = text.substring(0, first);
        String log = text.substring(first + 1);
        log = log.startsWith("\n") ? log.substring(1) : log;
        if (anchor.isEmpty()) {
            return log;
        }
        int at = log.startsWith(anchor + "\n") ? 0 : -1;
        int later = log.lastIndexOf("\n" + anchor + "\n");
        at = later >= 0 ? later + 1 : at;
        return at < 0 ? log : log.substring(at + anchor.length() + 1);
    }

    /**
     * The lines that came between two looks at a whole log, which may have lost its oldest lines meanwhile; all of it if
     * nothing is left of what was there before.
     */
    public static List<String> between(List<String> before, List<String> after) {
        for (int lost = 0; lost < before.size(); lost++) {
            List<String> left = before.subList(lost, before.size());
            if (left.size() <= after.size() && after.subList(0, left.size()).equals(left)) {
                return after.subList(left.size(), after.size());
            }
        }
        return after;
    }
}
