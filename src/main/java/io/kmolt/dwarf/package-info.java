/** Debugging information that is read without help: which line of its source an instruction comes from. */
@NullMarked
package io.kmolt.dwarf;

import org.jspecify.annotations.NullMarked;
