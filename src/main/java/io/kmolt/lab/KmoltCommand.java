package io.kmolt.lab;

import io.kmolt.target.ShellQuote;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import org.jspecify.annotations.Nullable;

/** The {@code kmolt} command that a guest finds on its PATH: the very build that started the guest. */
final class KmoltCommand {
    private KmoltCommand() {}

    /** A shell script that runs it. */
    static String script() {
        Path code = code();
        Path home = home(code);
        if (home != null) {
            return "#!/bin/sh\nexec " + ShellQuote.word(home.resolve("kmolt").toString()) + " \"$@\"\n";
        }
        if (code != null && Files.isRegularFile(code)) {
            return "#!/bin/sh\nexec \"$KMOLT_JAVA_HOME/bin/java\" -jar " + ShellQuote.word(code.toString())
                    + " \"$@\"\n";
        }
        return "#!/bin/sh\necho 'kmolt: the build that started this guest cannot be found' >&2\nexit 5\n";
    }

    /** The repository that this code was built in: the property kmolt.home, else where the jar or classes are. */
    private static @Nullable Path home(@Nullable Path code) {
        String named = System.getProperty("kmolt.home");
        if (named != null) {
            return Path.of(named).toAbsolutePath();
        }
        Path target = code == null ? null : code.getParent();
        Path home = target == null ? null : target.getParent();
        return home != null && Files.isExecutable(home.resolve("kmolt")) ? home : null;
    }

    private static @Nullable Path code() {
        CodeSource source = KmoltCommand.class.getProtectionDomain().getCodeSource();
        try {
            return source == null ? null : Path.of(source.getLocation().toURI());
        } catch (URISyntaxException e) {
            return null;
        }
    }
}
