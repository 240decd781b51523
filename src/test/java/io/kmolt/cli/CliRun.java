package io.kmolt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import picocli.CommandLine;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One run of {@code kmolt} in this process, to be read as a sentence: {@code run("diff", a, b).exits(0).says("…")}.
 *
 * @param line the command line, for messages
 * @param status exit status
 * @param out standard output
 * @param err standard error
 */
public record CliRun(String line, int status, String out, String err) {

    /** Runs kmolt with these words, each an argument as {@code toString} puts it. */
    public static CliRun run(Object... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine kmolt = Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        String[] args = Arrays.stream(words).map(String::valueOf).toArray(String[]::new);
        int status = kmolt.execute(args);
        kmolt.getOut().flush();
        kmolt.getErr().flush();
        return new CliRun("kmolt " + String.join(" ", args), status, out.toString(), err.toString());
    }

    public CliRun exits(int expected) {
        assertThat(status).as("%s%n%s%s", line, out, err).isEqualTo(expected);
        return this;
    }

    /** Standard output contains each of these. */
    public CliRun says(String... parts) {
        assertThat(out).as(line).contains(parts);
        return this;
    }

    /** Standard output is exactly these lines. */
    public CliRun saysOnly(String... lines) {
        assertThat(out.lines()).as(line).containsExactly(lines);
        return this;
    }

    /** Standard error contains each of these; it never shows a stack trace. */
    public CliRun complains(String... parts) {
        assertThat(err).as(line).contains(parts).doesNotContain("\tat ", "Exception");
        return this;
    }

    public CliRun doesNotSay(String... parts) {
        assertThat(out).as(line).doesNotContain(parts);
        return this;
    }

    /** Standard output, which is one JSON value and nothing else. */
    public JsonNode json() {
        return JsonMapper.builder()
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build()
                .readTree(out);
    }
}
