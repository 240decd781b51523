package io.kmolt.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCacheTest {
    private static final String VERSION = "6.1.0-1-test";

    @TempDir
    private Path folder;

    @Test
    void aKernelThatIsNotThereIsRefusedWithTheCommandThatFetchesIt() {
        assertThatThrownBy(() -> new KernelCache(folder).require(VERSION))
                .isInstanceOf(KernelMissingException.class)
                .hasMessageContaining("kmolt lab kernel fetch " + VERSION);
    }

    @Test
    void onlyKernelsThatCanBootAreListed() throws IOException {
        KernelCache cache = new KernelCache(folder);
        assertThat(cache.kernels()).isEmpty();
        Kernel kernel = kernel("");
        Files.createDirectories(folder.resolve("kernels/6.1.0-2-half/boot"));
        assertThat(cache.kernels()).containsExactly(kernel);
    }

    @Test
    void modulesAreLoadedInTheOrderOfTheirDependencies() throws IOException {
        Kernel kernel = kernel("""
                kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
                kernel/drivers/virtio/virtio_ring.ko:
                kernel/drivers/char/virtio-console.ko.xz: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
                """);
        Path drivers = kernel.modules().resolve("kernel/drivers");
        assertThat(kernel.loadOrder(List.of("virtio_console", "built_in", "virtio")))
                .containsExactly(
                        drivers.resolve("virtio/virtio_ring.ko"),
                        drivers.resolve("virtio/virtio.ko"),
                        drivers.resolve("char/virtio-console.ko.xz"));
        assertThat(kernel.module("virtio-ring")).isEqualTo(drivers.resolve("virtio/virtio_ring.ko"));
        assertThatThrownBy(() -> kernel.module("nope"))
                .isInstanceOf(LabException.class)
                .hasMessageContaining("nope");
    }

    private Kernel kernel(String modulesDep) throws IOException {
        Kernel kernel = new KernelCache(folder).kernel(VERSION);
        Files.createDirectories(kernel.modules());
        Files.createDirectories(kernel.image().getParent());
        Files.createFile(kernel.image());
        Files.writeString(kernel.modules().resolve("modules.dep"), modulesDep);
        Files.writeString(kernel.modules().resolve("modules.builtin"), "kernel/lib/built-in.ko\n");
        return kernel;
    }
}
