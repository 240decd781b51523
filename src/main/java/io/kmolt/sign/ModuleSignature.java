package io.kmolt.sign;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.SignerInfoGeneratorBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * The signature behind a module's file: a PKCS#7 message that signs the bytes before it, a {@code struct
 * module_signature} (include/linux/module_signature.h) and a marker. The message is as scripts/sign-file.c of the kernel
 * makes it: detached, without certificates and without signed attributes, the signer named by issuer and serial number.
 */
public final class ModuleSignature {
    /** MODULE_SIG_STRING. */
    private static final byte[] MARKER = "~Module signature appended~\n".getBytes(US_ASCII);

    /** sizeof(struct module_signature): algo, hash, id_type, signer_len, key_id_len, 3 bytes of padding, sig_len. */
    private static final int INFO_SIZE = 12;

    private static final int ID_TYPE_OFFSET = 2;
    private static final int LENGTH_OFFSET = 8;
    private static final byte PKEY_ID_PKCS7 = 2;

    /** RFC 3370 allows this, or one for RSA with a hash. The kernel takes both, and sign-file writes this. */
    private static final AlgorithmIdentifier RSA =
            new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption, DERNull.INSTANCE);

    private ModuleSignature() {}

    /**
     * Signs a module. A signature that it has already is replaced: it is that of other contents, or of a key that was
     * not asked for, and the kernel looks at the last one only.
     *
     * @param hash as CONFIG_MODULE_SIG_HASH names it: {@code sha256}, {@code sha384} or {@code sha512}
     */
    public static byte[] sign(byte[] module, SigningKey key, String hash) throws SignException {
        byte[] content = strip(module);
        byte[] message = message(content, key, hash);
        return ByteBuffer.allocate(content.length + message.length + INFO_SIZE + MARKER.length)
                .put(content)
                .put(message)
                .put(info(message.length))
                .put(MARKER)
                .array();
    }

    /** The module without its signature; the module itself if it has none. */
    public static byte[] strip(byte[] module) {
        int end = module.length - MARKER.length;
        if (end < INFO_SIZE || !Arrays.equals(module, end, module.length, MARKER, 0, MARKER.length)) {
            return module;
        }
        long length = Integer.toUnsignedLong(ByteBuffer.wrap(module).getInt(end - INFO_SIZE + LENGTH_OFFSET));
        return length > end - INFO_SIZE ? module : Arrays.copyOf(module, (int) (end - INFO_SIZE - length));
    }

    private static byte[] info(int length) {
        return ByteBuffer.allocate(INFO_SIZE)
                .put(ID_TYPE_OFFSET, PKEY_ID_PKCS7)
                .putInt(LENGTH_OFFSET, length) // big endian
                .array();
    }

    private static byte[] message(byte[] content, SigningKey key, String hash) throws SignException {
        try {
            CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
            generator.addSignerInfoGenerator(new SignerInfoGeneratorBuilder(
                            new JcaDigestCalculatorProviderBuilder().build(), any -> RSA)
                    .setDirectSignature(true)
                    .build(
                            new JcaContentSignerBuilder(hash.toUpperCase(Locale.ROOT) + "withRSA").build(key.key()),
                            key.certificate()));
            return generator
                    .generate(new CMSProcessableByteArray(content), false)
                    .getEncoded(ASN1Encoding.DER);
        } catch (OperatorCreationException | CMSException | IOException e) {
            throw new SignException("cannot sign with " + key.file() + ": " + e.getMessage(), e);
        }
    }
}
