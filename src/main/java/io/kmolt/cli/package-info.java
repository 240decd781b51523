/** The commands, one class each, thin. */
@NullMarked
package io.kmolt.cli;

import org.jspecify.annotations.NullMarked;
