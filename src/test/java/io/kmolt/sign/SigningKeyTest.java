package io.kmolt.sign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.EncryptedPrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.util.io.pem.PemObject;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which keys and certificates can be read, and what is said of others. */
class SigningKeyTest {
    private static KeyPair pair;
    private static X509CertificateHolder certificate;

    @TempDir
    Path folder;

    private Path cert;

    @BeforeAll
    static void make() throws Exception {
        pair = TestKeys.pair("RSA", 2048);
        certificate = TestKeys.certificate(pair, "CN=owner", true);
    }

    @BeforeEach
    void writeCertificate() throws Exception {
        cert = Files.write(folder.resolve("given.der"), certificate.getEncoded());
    }

    @Test
    void pkcs8AndPkcs1AreRead() throws Exception {
        PrivateKeyInfo info = PrivateKeyInfo.getInstance(pair.getPrivate().getEncoded());
        Path pkcs8 = TestKeys.pem(folder.resolve("8.key"), new PemObject("PRIVATE KEY", info.getEncoded()));
        Path pkcs1 = TestKeys.pem(
                folder.resolve("1.key"),
                new PemObject(
                        "RSA PRIVATE KEY",
                        info.parsePrivateKey().toASN1Primitive().getEncoded()));
        for (Path file : new Path[] {pkcs8, pkcs1}) {
            assertThat(SigningKey.read(file, Optional.of(cert)).key()).isEqualTo(pair.getPrivate());
        }
    }

    @Test
    void theCertificateIsInTheSameFileOrBesideIt() throws Exception {
        Path both = TestKeys.pem(folder.resolve("both.pem"), pair.getPrivate(), certificate);
        assertThat(SigningKey.read(both, Optional.empty()).certificateFile()).isEqualTo(both);

        Path key = TestKeys.pem(folder.resolve("mok.key"), pair.getPrivate());
        assertThatThrownBy(() -> SigningKey.read(key, Optional.empty()))
                .isInstanceOf(SignException.class)
                .hasMessageContaining("no certificate beside " + key)
                .hasMessageContaining("--sign-cert");
        Path pub = Files.copy(cert, folder.resolve("mok.pub"));
        assertThat(SigningKey.read(key, Optional.empty()).certificateFile()).isEqualTo(pub);
    }

    /** That of dkms, which signs what it builds with it, comes first. */
    @Test
    void theMachineOwnersKeyIsWhereDebianKeepsIt() throws Exception {
        assertThat(SigningKey.ofMachine(folder)).isEmpty();
        Path shim = Files.createDirectories(folder.resolve("var/lib/shim-signed/mok"));
        TestKeys.pem(shim.resolve("MOK.priv"), pair.getPrivate());
        Files.write(shim.resolve("MOK.der"), certificate.getEncoded());
        assertThat(SigningKey.ofMachine(folder)).hasValueSatisfying(key -> {
            assertThat(key.file()).isEqualTo(shim.resolve("MOK.priv"));
            assertThat(key.certificate()).isEqualTo(certificate);
        });
        Path dkms = Files.createDirectories(folder.resolve("var/lib/dkms"));
        TestKeys.pem(dkms.resolve("mok.key"), pair.getPrivate());
        Files.copy(cert, dkms.resolve("mok.pub"));
        assertThat(SigningKey.ofMachine(folder))
                .hasValueSatisfying(key -> assertThat(key.file()).isEqualTo(dkms.resolve("mok.key")));
        // One that does not fit is said, not passed over.
        Files.delete(dkms.resolve("mok.pub"));
        assertThatThrownBy(() -> SigningKey.ofMachine(folder)).isInstanceOf(SignException.class);
    }

    /** x509_key_preparse: the subject key identifier, or else the serial number without a leading zero. */
    @Test
    void itsIdIsWhatTheKernelCallsIt() throws Exception {
        Path key = TestKeys.pem(folder.resolve("a.key"), pair.getPrivate());
        String withId = SigningKey.read(key, Optional.of(cert)).id();
        assertThat(withId).matches("[0-9a-f]{40}");
        Path plain = TestKeys.pem(folder.resolve("plain.pem"), TestKeys.certificate(pair, "CN=owner", false));
        assertThat(SigningKey.read(key, Optional.of(plain)).id()).isEqualTo("8123456789abcdef");
    }

    @Test
    void whatCannotBeUsedIsNamed() throws Exception {
        Path key = TestKeys.pem(folder.resolve("a.key"), pair.getPrivate());
        assertNo(folder.resolve("none.key"), cert, "cannot read the key", "none.key", "no such file");
        assertNo(key, folder.resolve("none.der"), "cannot read the certificate", "none.der", "no such file");
        assertNo(cert, cert, "holds no private key in PEM");
        assertNo(key, key, "holds no X.509 certificate");
        Path text = Files.writeString(folder.resolve("text"), "hello\n");
        assertNo(text, cert, "holds no private key in PEM");
        assertNo(key, text, "holds no X.509 certificate");
        Path half = Files.write(folder.resolve("half.der"), java.util.Arrays.copyOf(certificate.getEncoded(), 100));
        assertNo(key, half, "half.der is damaged");
        Path broken = Files.writeString(
                folder.resolve("broken.key"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assertNo(broken, cert, "broken.key is damaged");
    }

    @Test
    void aKeyThatIsNotTheCertificatesIsRefused() throws Exception {
        Path other = TestKeys.pem(
                folder.resolve("other.key"), TestKeys.pair("RSA", 2048).getPrivate());
        assertNo(other, cert, "given.der is not the certificate of the key", "other.key");
    }

    @Test
    void aKeyOfAnotherKindIsRefused() throws Exception {
        KeyPair curve = TestKeys.pair("EC", 256);
        Path both =
                TestKeys.pem(folder.resolve("curve.pem"), pkcs8(curve), TestKeys.certificate(curve, "CN=owner", true));
        assertNo(both, both, "is a key for", "EC", "RSA keys only");
    }

    @Test
    void aPassphraseIsRefusedAndTheWayOutNamed() throws Exception {
        Path locked = TestKeys.pem(folder.resolve("locked.key"), new PemObject("ENCRYPTED PRIVATE KEY", encrypted()));
        assertNo(locked, cert, "locked.key is protected by a passphrase", "openssl pkey -in");
    }

    private static PemObject pkcs8(KeyPair pair) {
        return new PemObject("PRIVATE KEY", pair.getPrivate().getEncoded());
    }

    private static byte[] encrypted() throws Exception {
        return new EncryptedPrivateKeyInfo(new AlgorithmIdentifier(PKCSObjectIdentifiers.id_PBES2), new byte[64])
                .getEncoded();
    }

    private static void assertNo(Path key, Path certificate, String... words) {
        assertThatThrownBy(() -> SigningKey.read(key, Optional.of(certificate)))
                .isInstanceOf(SignException.class)
                .hasMessageContainingAll(words);
    }
}
