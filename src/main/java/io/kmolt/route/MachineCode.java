package io.kmolt.route;

import java.util.Optional;

/**
 * One instruction.
 *
 * @param reference its field that refers to something outside, counted from its first byte
 * @param text in AT&T syntax
 * @param comment what it is about, or {@code ""}
 */
record MachineCode(byte[] bytes, Optional<CodeReference> reference, String text, String comment) {
    MachineCode commented(String about) {
        return new MachineCode(bytes, reference, text, about);
    }
}
