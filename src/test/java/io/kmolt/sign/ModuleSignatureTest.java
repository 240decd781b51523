package io.kmolt.sign;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.lab.Kernel;
import io.kmolt.lab.KernelCache;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signatures are byte for byte what the kernel's own scripts/sign-file makes. */
class ModuleSignatureTest {
    @TempDir
    static Path folder;

    private static SigningKey key;

    @BeforeAll
    static void makeKey() throws Exception {
        key = TestKeys.make(folder, "owner");
    }

    private static byte[] module(int seed) {
        byte[] bytes = new byte[10_000 + seed];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Tag("corpus")
    @ParameterizedTest
    @ValueSource(strings = {"sha256", "sha384", "sha512"})
    void isWhatSignFileMakes(String hash) throws Exception {
        Path module = Files.write(folder.resolve("module.ko"), module(1));
        assertThat(ModuleSignature.sign(module(1), key, hash)).isEqualTo(signFile(hash, module));
    }

    @Tag("corpus")
    @Test
    void aModuleOfTheDistributionIsSignedAnewInPlaceOfItsSignature() throws Exception {
        Path stock = kernel().module("minix");
        byte[] signed = Files.readAllBytes(stock);
        byte[] bare = ModuleSignature.strip(signed);
        assertThat(signed.length - bare.length).isBetween(300, 2000);
        byte[] ours = ModuleSignature.sign(signed, key, "sha256");
        assertThat(ours).isEqualTo(signFile("sha256", Files.write(folder.resolve("bare.ko"), bare)));
        assertThat(ModuleSignature.strip(ours)).isEqualTo(bare);
    }

    @Test
    void signingTwiceIsSigningOnce() throws Exception {
        byte[] once = ModuleSignature.sign(module(2), key, "sha256");
        assertThat(ModuleSignature.sign(once, key, "sha256")).isEqualTo(once);
        assertThat(ModuleSignature.strip(once)).isEqualTo(module(2));
    }

    @Test
    void whatOnlyEndsLikeASignatureIsLeftAlone() {
        byte[] marker = "~Module signature appended~\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertThat(ModuleSignature.strip(marker)).isEqualTo(marker);
        assertThat(ModuleSignature.strip(new byte[0])).isEmpty();
        byte[] tooLong = Arrays.copyOf(module(3), 200 + marker.length);
        System.arraycopy(marker, 0, tooLong, 200, marker.length);
        Arrays.fill(tooLong, 196, 200, (byte) 0xff); // the length of the message
        assertThat(ModuleSignature.strip(tooLong)).isEqualTo(tooLong);
    }

    private static Kernel kernel() throws Exception {
        return KernelCache.ofUser().require(KernelCache.DEFAULT_VERSION);
    }

    private static byte[] signFile(String hash, Path module) throws Exception {
        Path program = kernel().headers().resolve("scripts/sign-file").toRealPath();
        Path out = folder.resolve("signed.ko");
        Process process = new ProcessBuilder(
                        program.toString(), hash, "" + key.file(), "" + key.certificateFile(), "" + module, "" + out)
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return Files.readAllBytes(out);
    }
}
