package io.kmolt.elf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** A string table to which names are added at the end; those that are there keep their places and are used again. */
final class GrowingStrings {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Map<String, Integer> places = new HashMap<>();
    private final byte[] initial;

    GrowingStrings(byte[] initial) {
        this.initial = initial;
        bytes.writeBytes(initial);
    }

    /** The place of a name, which is added if need be. */
    int add(String name) {
        if (bytes.size() == 0) {
            bytes.write(0); // gABI, "String Table": place 0 is the empty string
        }
        if (places.isEmpty()) {
            indexInitial();
        }
        return places.computeIfAbsent(name, n -> {
            int place = bytes.size();
            bytes.writeBytes(n.getBytes(StandardCharsets.ISO_8859_1));
            bytes.write(0);
            return place;
        });
    }

    private void indexInitial() {
        places.put("", 0);
        int start = 0;
        for (int i = 0; i < initial.length; i++) {
            if (initial[i] == 0) {
                places.putIfAbsent(new String(initial, start, i - start, StandardCharsets.ISO_8859_1), start);
                start = i + 1;
            }
        }
    }

    byte[] bytes() {
        return bytes.toByteArray();
    }
}
