/** ELF64 relocatable objects: read, edit, write. What is untouched stays byte-identical. */
@NullMarked
package io.kmolt.elf;

import org.jspecify.annotations.NullMarked;
