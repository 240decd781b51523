package io.kmolt.sign;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.jspecify.annotations.Nullable;

/**
 * An RSA key that modules are signed with, and its certificate, by which the kernel knows it.
 *
 * @param file where the key was read from
 * @param certificateFile where the certificate was read from
 */
public record SigningKey(Path file, Path certificateFile, PrivateKey key, X509CertificateHolder certificate) {
    /** Where Debian's dkms, and Debian's shim-signed, keep the machine owner's key and certificate. */
    private static final List<List<String>> OF_MACHINE = List.of(
            List.of("var/lib/dkms/mok.key", "var/lib/dkms/mok.pub"),
            List.of("var/lib/shim-signed/mok/MOK.priv", "var/lib/shim-signed/mok/MOK.der"));

    /** What a certificate's name may end in, where the key's name says nothing else. */
    private static final List<String> CERTIFICATE_ENDINGS = List.of(".pub", ".der", ".crt", ".cer", ".x509", ".pem");

    private static final int DER_SEQUENCE = 0x30;

    /**
     * Reads a key and its certificate.
     *
     * @param key in PEM, as PKCS#8 or PKCS#1, without a passphrase
     * @param certificate in PEM or DER; if it is not given: what the key's file holds, or a file beside it whose name
     *     differs only in its ending
     */
    public static SigningKey read(Path key, Optional<Path> certificate) throws SignException {
        Pem pem = Pem.read(key, true);
        PrivateKey secret = pem.key()
                .orElseThrow(() -> new SignException(
                        key + " holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----"));
        Path file = certificate.isEmpty() && pem.certificate().isPresent()
                ? key
                : certificate
                        .or(() -> beside(key))
                        .orElseThrow(() -> new SignException(
                                "there is no certificate beside " + key + "; name it with --sign-cert"));
        X509CertificateHolder holder = Pem.read(file, false)
                .certificate()
                .orElseThrow(() -> new SignException(file + " holds no X.509 certificate, neither in PEM nor in DER"));
        requirePair(key, secret, file, holder);
        return new SigningKey(key, file, secret, holder);
    }

    /** The machine owner's key of the machine that this runs on, if it has one and this user may read it. */
    public static Optional<SigningKey> ofMachine() throws SignException {
        return ofMachine(Path.of("/"));
    }

    /**
     * The same for a machine whose files are elsewhere.
     *
     * @param root its root folder
     */
    static Optional<SigningKey> ofMachine(Path root) throws SignException {
        for (List<String> pair : OF_MACHINE) {
            Path key = root.resolve(pair.getFirst());
            if (Files.isReadable(key)) {
                return Optional.of(read(key, Optional.of(root.resolve(pair.getLast()))));
            }
        }
        return Optional.empty();
    }

    /**
     * By what {@code /proc/keys} and the kernel log tell the certificate: in hexadecimal its subject key identifier, or
     * its serial number if it has none (x509_key_preparse in crypto/asymmetric_keys/x509_public_key.c).
     */
    public String id() {
        SubjectKeyIdentifier id = SubjectKeyIdentifier.fromExtensions(certificate.getExtensions());
        byte[] bytes = id == null ? certificate.getSerialNumber().toByteArray() : id.getKeyIdentifier();
        String hex = HexFormat.of().formatHex(bytes);
        return id == null && bytes.length > 1 && bytes[0] == 0 ? hex.substring(2) : hex;
    }

    /** Whether the certificate's file is in PEM; else it is in DER. */
    public boolean certificateInPem() {
        try (InputStream in = Files.newInputStream(certificateFile)) {
            return in.read() != DER_SEQUENCE;
        } catch (IOException e) {
            return false; // it was there when it was read
        }
    }

    /** For people: whose it is, and its id. */
    public String describe() {
        return "\"" + certificate.getSubject() + "\" (" + id() + ")";
    }

    private static Optional<Path> beside(Path key) {
        String name = String.valueOf(key.getFileName());
        String stem = name.replaceFirst("\\.[^.]+$", "");
        return CERTIFICATE_ENDINGS.stream()
                .filter(ending -> !name.equals(stem + ending))
                .map(ending -> key.resolveSibling(stem + ending))
                .filter(Files::isRegularFile)
                .findFirst();
    }

    private static void requirePair(Path keyFile, PrivateKey key, Path certFile, X509CertificateHolder certificate)
            throws SignException {
        PublicKey known = publicKey(certFile, certificate);
        if (!(key instanceof RSAPrivateKey secret) || !(known instanceof RSAPublicKey open)) {
            throw new SignException(
                    "%s is a key for %s; modules are signed with RSA keys only".formatted(keyFile, key.getAlgorithm()));
        }
        if (!secret.getModulus().equals(open.getModulus())) {
            throw new SignException(certFile + " is not the certificate of the key " + keyFile);
        }
    }

    private static PublicKey publicKey(Path file, X509CertificateHolder certificate) throws SignException {
        try {
            return new JcaPEMKeyConverter().getPublicKey(certificate.getSubjectPublicKeyInfo());
        } catch (IOException e) {
            throw new SignException(file + ": its key is of an unknown kind: " + e.getMessage(), e);
        }
    }

    /** What a file holds. */
    private record Pem(Optional<PrivateKey> key, Optional<X509CertificateHolder> certificate) {
        static Pem read(Path file, boolean secret) throws SignException {
            byte[] bytes;
            try {
                bytes = Files.readAllBytes(file);
            } catch (IOException e) {
                throw new SignException(
                        "cannot read the " + (secret ? "key " : "certificate ") + file + ": "
                                + (Files.exists(file) ? "permission denied, or not a file" : "there is no such file"),
                        e);
            }
            try {
                if (!secret && bytes.length > 0 && bytes[0] == DER_SEQUENCE) {
                    return new Pem(Optional.empty(), Optional.of(new X509CertificateHolder(bytes)));
                }
                return parse(file);
            } catch (SignException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                throw new SignException(file + " is damaged: " + e.getMessage(), e);
            }
        }

        private static Pem parse(Path file) throws IOException {
            Optional<PrivateKey> key = Optional.empty();
            Optional<X509CertificateHolder> certificate = Optional.empty();
            try (Reader text = Files.newBufferedReader(file, java.nio.charset.StandardCharsets.ISO_8859_1);
                    PEMParser parser = new PEMParser(text)) {
                @Nullable Object next;
                while ((next = parser.readObject()) != null) {
                    switch (next) {
                        case PEMKeyPair pair -> key = Optional.of(key(pair.getPrivateKeyInfo()));
                        case PrivateKeyInfo info -> key = Optional.of(key(info));
                        case X509CertificateHolder holder -> certificate = Optional.of(certificate.orElse(holder));
                        case PEMEncryptedKeyPair p -> throw passphrase(file);
                        case PKCS8EncryptedPrivateKeyInfo p -> throw passphrase(file);
                        default -> {}
                    }
                }
            }
            return new Pem(key, certificate);
        }

        private static PrivateKey key(PrivateKeyInfo info) throws IOException {
            return new JcaPEMKeyConverter().getPrivateKey(info);
        }

        private static SignException passphrase(Path file) {
            return new SignException(
                    "%1$s is protected by a passphrase, which is not supported; openssl pkey -in %1$s -out FILE writes one without"
                            .formatted(file));
        }
    }
}
