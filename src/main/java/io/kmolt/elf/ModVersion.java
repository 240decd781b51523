package io.kmolt.elf;

/**
 * The checksum of one imported symbol's type, as the module was built against it.
 *
 * <p>One entry of {@code __versions}: {@code struct modversion_info} in {@code include/linux/module.h} of Linux 6.1.
 *
 * @param name the imported symbol
 * @param crc what {@code genksyms} made of its declaration
 */
public record ModVersion(String name, int crc) {}
