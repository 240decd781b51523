package io.kmolt.lab;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class KernelImageTest {
    private static final int SIZE = 8192;

    @Test
    void thePayloadIsFoundBehindTheSetupSectors() {
        ByteBuffer image = image(3, 100, 14);
        int start = 4 * 512 + 100;
        image.put(start, "0123456789size".getBytes(US_ASCII));
        assertThat(KernelImage.payload(image)).isEqualTo("0123456789".getBytes(US_ASCII));
    }

    @Test
    void noSetupSectorsMeansFour() {
        ByteBuffer image = image(0, 0, 8);
        image.put(5 * 512, "four".getBytes(US_ASCII));
        assertThat(KernelImage.payload(image)).isEqualTo("four".getBytes(US_ASCII));
    }

    @Test
    void whatIsNoBzImageOrReachesPastItsEndHasNoPayload() {
        assertThat(KernelImage.payload(ByteBuffer.allocate(100))).isEmpty();
        assertThat(KernelImage.payload(ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN)))
                .isEmpty();
        assertThat(KernelImage.payload(image(3, 100, SIZE))).isEmpty();
        assertThat(KernelImage.payload(image(3, -1, 100))).isEmpty();
        assertThat(KernelImage.payload(image(3, 100, 2))).isEmpty();
        ByteBuffer old = image(3, 100, 14);
        old.putShort(0x206, (short) 0x207);
        assertThat(KernelImage.payload(old)).isEmpty();
    }

    private static ByteBuffer image(int setupSectors, int payloadOffset, int payloadLength) {
        ByteBuffer image = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) setupSectors);
        image.put(0x202, "HdrS".getBytes(US_ASCII));
        image.putShort(0x206, (short) 0x20f);
        image.putInt(0x248, payloadOffset);
        image.putInt(0x24c, payloadLength);
        return image;
    }
}
