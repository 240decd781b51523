package io.kmolt.cli;

import io.kmolt.sign.SigningKey;
import io.kmolt.swap.Signatures;
import io.kmolt.target.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say what signs the modules that a command loads; mixed into every command that loads some. */
final class SigningOptions {
    @Option(
            names = "--sign-key",
            paramLabel = "FILE",
            description = {
                "RSA key, in PEM, on this machine, to sign what is loaded with",
                "(default: this machine's MOK, if the target loads signed modules only)"
            })
    @Nullable
    Path key;

    @Option(
            names = "--sign-cert",
            paramLabel = "FILE",
            description = "its certificate, in PEM or DER (default: in the key's file or beside it)")
    @Nullable
    Path certificate;

    @Spec(Spec.Target.MIXEE)
    CommandSpec command = CommandSpec.create();

    /** Opens a target that signs as these options say; the caller closes it. */
    Target open(TargetOption target) throws IOException {
        if (key == null && certificate != null) {
            throw new ParameterException(command.commandLine(), "--sign-cert needs --sign-key");
        }
        Optional<SigningKey> given =
                key == null ? Optional.empty() : Optional.of(SigningKey.read(key, Optional.ofNullable(certificate)));
        Target opened = target.open();
        try {
            return Signatures.of(opened, given);
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }
}
