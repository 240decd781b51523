/** The demonstration: swaps modules of a guest while they are in use, and checks that nothing suffers. */
@NullMarked
package io.kmolt.demo;

import org.jspecify.annotations.NullMarked;
