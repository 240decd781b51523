/** Signatures of modules, as the kernel's loader verifies them. */
@NullMarked
package io.kmolt.sign;

import org.jspecify.annotations.NullMarked;
