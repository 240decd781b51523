package io.kmolt.edition;

import java.util.Optional;

/**
 * An edition that a file declares with {@code KMOLT_EDITION}.
 *
 * @param name the edition's name in C
 * @param function name of the kernel function, as {@code /proc/kallsyms} has it
 * @param number by which routes name it, 1 to 255
 * @param object the module that the function is in, or {@code vmlinux}; empty for wherever it is
 * @param occurrence which one of that name it is in its object, counted from 1; 0 if it is the only one
 * @param symbol index of its symbol in the file
 * @param section index of the section that it has for itself
 * @param size in bytes
 */
public record DeclaredEdition(
        String name,
        String function,
        int number,
        Optional<String> object,
        int occurrence,
        int symbol,
        int section,
        long size) {}
