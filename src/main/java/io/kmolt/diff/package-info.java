/** Two builds of a module side by side: correlate, compare, verdict. */
@NullMarked
package io.kmolt.diff;

import org.jspecify.annotations.NullMarked;
