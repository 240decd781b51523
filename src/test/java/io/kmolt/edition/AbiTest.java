package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.link.Descriptor;
import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.TinyModule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The offsets at which the other tests read are those of {@code kernel/kmolt_abi.h}. */
class AbiTest {
    @Test
    void theOffsetsAreThoseOfTheCoresHeader(@TempDir Path folder) throws IOException {
        Files.createDirectory(folder.resolve("linux"));
        Files.writeString(
                folder.resolve("linux/types.h"),
                "typedef unsigned char u8; typedef unsigned int u32; typedef unsigned long long u64;");
        KernelModule asked = TinyModule.compile(
                "asked", List.of("-I" + folder, "-I" + Path.of(System.getProperty("kmolt.home"), "kernel")), """
                #include "kmolt_abi.h"
                #define at(type, member) __builtin_offsetof(struct type, member)
                const unsigned long offsets[] = {
                    KMOLT_ABI, KMOLT_MAGIC_EDITIONS, sizeof(struct kmolt_editions),
                    at(kmolt_editions, boot_id), at(kmolt_editions, name), at(kmolt_editions, functions),
                    at(kmolt_editions, n_functions),
                    sizeof(struct kmolt_function), at(kmolt_function, object_address), at(kmolt_function, object_load),
                    at(kmolt_function, label), at(kmolt_function, object), at(kmolt_function, marker),
                    at(kmolt_function, editions), at(kmolt_function, n_editions),
                    sizeof(struct kmolt_code), at(kmolt_code, number), KMOLT_LABEL_LEN,
                    KMOLT_MAGIC_ROUTES, sizeof(struct kmolt_routes), at(kmolt_routes, boot_id),
                    at(kmolt_routes, editions), at(kmolt_routes, from), at(kmolt_routes, go), at(kmolt_routes, routes),
                    at(kmolt_routes, n_routes),
                    sizeof(struct kmolt_route), at(kmolt_route, flags), at(kmolt_route, entry), at(kmolt_route, shared),
                    at(kmolt_route, first), at(kmolt_route, first_shared), at(kmolt_route, text),
                    KMOLT_ROUTE_NONE, KMOLT_ROUTE_LEN
                };
                """);
        Item item = asked.item("offsets").orElseThrow();
        long[] offsets = new long[(int) item.size() / Long.BYTES];
        ByteBuffer.wrap(asked.content(item.section()), (int) item.offset(), (int) item.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .asLongBuffer()
                .get(offsets);
        assertThat(offsets)
                .containsExactly(
                        Descriptor.ABI,
                        0x0a45746c6f6d6bL,
                        160,
                        16,
                        80,
                        144,
                        152, // struct kmolt_editions
                        240,
                        8,
                        16,
                        24,
                        152,
                        216,
                        224,
                        232, // struct kmolt_function
                        16,
                        8,
                        EditionDescriptor.LABEL_LEN, // struct kmolt_code
                        0x0a52746c6f6d6bL,
                        232,
                        16,
                        80,
                        144,
                        208,
                        216,
                        224, // struct kmolt_routes
                        304,
                        8,
                        16,
                        24,
                        32,
                        40,
                        48,
                        1,
                        RoutesModule.ROUTE_LEN); // struct kmolt_route
    }
}
