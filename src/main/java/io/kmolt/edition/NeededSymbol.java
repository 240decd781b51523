package io.kmolt.edition;

import java.util.Optional;

/**
 * A symbol of the kernel that a file uses although the kernel does not export it.
 *
 * @param name as {@code /proc/kallsyms} has it
 * @param object the module that it is in, or {@code vmlinux}; empty for wherever it is
 * @param occurrence which one of that name it is in its object, counted from 1; 0 if it is the only one
 * @param called whether it is called, and so must be a function
 * @param symbol index of the undefined symbol in the file
 */
public record NeededSymbol(String name, Optional<String> object, int occurrence, boolean called, int symbol) {}
