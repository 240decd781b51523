/** x86-64 machine code: decode and measure instructions. */
@NullMarked
package io.kmolt.x86;

import org.jspecify.annotations.NullMarked;
