package io.kmolt.target;

/**
 * What a command left behind.
 *
 * @param status exit status; 128 + N when signal N ended it
 * @param stdout standard output as UTF-8
 * @param stderr standard error as UTF-8
 */
public record CommandResult(int status, String stdout, String stderr) {
    /** Whether the status is 0. */
    public boolean ok() {
        return status == 0;
    }
}
