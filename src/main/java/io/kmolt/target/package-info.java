/** A running kernel: files, modules and commands, here or through a shell. */
@NullMarked
package io.kmolt.target;

import org.jspecify.annotations.NullMarked;
