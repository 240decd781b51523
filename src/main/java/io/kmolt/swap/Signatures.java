package io.kmolt.swap;

import io.kmolt.sign.SigningKey;
import io.kmolt.target.SigningTarget;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;

/** Signatures of the modules that kmolt loads: whether a target asks for them, and who signs. */
public final class Signatures {
    private static final String NAME = "module signatures";

    /** What {@link #of} has to know: lines of name and value, as {@link Vitals} reads them. */
    private static final String QUESTIONS = """
            echo "sig_enforce $(cat /sys/module/module/parameters/sig_enforce 2>/dev/null)"
            echo "lockdown $(cat /sys/kernel/security/lockdown 2>/dev/null)"
            echo "hash $(sed -n 's/^CONFIG_MODULE_SIG_HASH="\\(.*\\)"/\\1/p' "/boot/config-$(uname -r)" 2>/dev/null)"
            """;

    private Signatures() {}

    /**
     * The target itself, or one whose modules are signed before they are loaded: with the key that was given, or where
     * the target loads signed modules only, with the machine owner's key of the machine that kmolt runs on, if it has
     * one.
     */
    public static Target of(Target target, Optional<SigningKey> given) throws IOException {
        Vitals vitals =
                Vitals.parse(target.run(QUESTIONS, Target.DEFAULT_TIMEOUT).stdout());
        if (given.isEmpty() && !enforced(vitals)) {
            return target;
        }
        Optional<SigningKey> key = given.isPresent() ? given : SigningKey.ofMachine();
        if (key.isEmpty()) {
            return target;
        }
        // Every kernel that verifies signatures knows SHA-256: the certificates of its own keys use it.
        String hash = vitals.get("hash").matches("sha(256|384|512)") ? vitals.get("hash") : "sha256";
        return new SigningTarget(target, key.get(), hash);
    }

    /** module_sig_check in kernel/module/signing.c: by its own parameter, or because the kernel is locked down. */
    private static boolean enforced(Vitals vitals) {
        String modes = vitals.get("lockdown");
        return vitals.get("sig_enforce").equals("Y")
                || modes.contains("[integrity]")
                || modes.contains("[confidentiality]");
    }

    /** Whether the kernel would load what kmolt has to load. */
    static Check check(Vitals vitals, Optional<SigningKey> key) {
        if (!enforced(vitals)) {
            return Check.ok(
                    NAME,
                    "not enforced"
                            + key.map(k -> "; signed with " + k.describe()).orElse(""));
        }
        if (key.isEmpty()) {
            return Check.unfit(
                    NAME,
                    "only signed modules can be loaded, and there is no key to sign with",
                    "name a key that the kernel trusts with --sign-key; or boot without module.sig_enforce and"
                            + " lockdown= on the kernel command line, and with Secure Boot off");
        }
        if (!vitals.has("keys")) {
            return Check.warning(
                    NAME,
                    "enforced; whether the kernel trusts the key " + key.get().describe()
                            + " cannot be told: /proc/keys is not readable",
                    "look for its certificate in the kernel log: dmesg | grep X.509");
        }
        return trusted(vitals, key.get())
                ? Check.ok(NAME, "enforced; the kernel has the key " + key.get().describe())
                : Check.unfit(
                        NAME,
                        "only modules signed with a key of the kernel's can be loaded, and "
                                + key.get().describe()
                                + " is none of them: the kernel would say \"Key was rejected by service\"",
                        "with Secure Boot: mokutil --import " + der(key.get()) + ", reboot, and confirm it in the"
                                + " firmware's dialogue; or name another key with --sign-key");
    }

    /** mokutil takes DER only. */
    private static String der(SigningKey key) {
        return key.certificateFile() + (key.certificateInPem() ? " (in DER: openssl x509 -outform DER)" : "");
    }

    /**
     * A line of {@code /proc/keys} describes a certificate as {@code SUBJECT: ID: X509.rsa SHORT []}. Which keyring it is
     * in does not stand there: a certificate that the kernel keeps for something else, such as wireless rules, counts as
     * well, and then it is the kernel that says no to the first module, the core.
     */
    private static boolean trusted(Vitals vitals, SigningKey key) {
        return Arrays.stream(vitals.get("keys").split(";"))
                .anyMatch(line -> line.contains(": " + key.id() + ": X509."));
    }
}
