package io.kmolt.route;

import java.util.Locale;

/** Whether a word could have been meant to be another one. */
final class Spelling {
    private Spelling() {}

    /** Equal but for case, for one letter too many, missing or wrong, or for two neighbours exchanged. */
    static boolean near(String typed, String meant) {
        String a = typed.toLowerCase(Locale.ROOT);
        if (a.equals(meant)) {
            return true;
        }
        if (Math.abs(a.length() - meant.length()) > 1) {
            return false;
        }
        int start = 0;
        while (start < Math.min(a.length(), meant.length()) && a.charAt(start) == meant.charAt(start)) {
            start++;
        }
        String restA = a.substring(start);
        String restB = meant.substring(start);
        return tail(restA, 1).equals(restB)
                || tail(restB, 1).equals(restA)
                || tail(restA, 1).equals(tail(restB, 1))
                || (restA.length() > 1
                        && restB.length() > 1
                        && restA.charAt(0) == restB.charAt(1)
                        && restA.charAt(1) == restB.charAt(0)
                        && tail(restA, 2).equals(tail(restB, 2)));
    }

    private static String tail(String text, int from) {
        return text.substring(Math.min(from, text.length()));
    }
}
