package io.kmolt.target;

/** What a kernel log gained between two looks at its end. */
final class LogDelta {
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
}
