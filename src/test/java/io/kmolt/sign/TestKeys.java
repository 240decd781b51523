package io.kmolt.sign;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.Date;
import java.util.Optional;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Keys as machine owners have them, made for a test. */
public final class TestKeys {
    private TestKeys() {}

    static KeyPair pair(String algorithm, int size) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        generator.initialize(size);
        return generator.generateKeyPair();
    }

    static X509CertificateHolder certificate(KeyPair pair, String name, boolean withId)
            throws GeneralSecurityException, OperatorCreationException, IOException {
        X500Name subject = new X500Name(name);
        Instant begin = Instant.parse("2026-01-01T00:00:00Z");
        JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                subject,
                BigInteger.valueOf(0x8123456789abcdefL).add(BigInteger.ONE.shiftLeft(64)), // unsigned: a zero leads it
                Date.from(begin),
                Date.from(begin.plusSeconds(3_000_000_000L)),
                subject,
                pair.getPublic());
        if (withId) {
            builder.addExtension(
                    Extension.subjectKeyIdentifier,
                    false,
                    new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()));
        }
        String algorithm = pair.getPublic().getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
        return builder.build(new JcaContentSignerBuilder(algorithm).build(pair.getPrivate()));
    }

    /** Writes objects in PEM. */
    static Path pem(Path file, Object... objects) throws IOException {
        try (JcaPEMWriter writer = new JcaPEMWriter(Files.newBufferedWriter(file))) {
            for (Object object : objects) {
                writer.writeObject(object);
            }
        }
        return file;
    }

    /** A new key of nobody's, with its certificate beside it. */
    public static SigningKey make(Path folder, String name) throws Exception {
        KeyPair pair = pair("RSA", 2048);
        Path key = pem(folder.resolve(name + ".key"), pair.getPrivate());
        pem(folder.resolve(name + ".pem"), certificate(pair, "CN=" + name, true));
        return SigningKey.read(key, Optional.empty());
    }
}
