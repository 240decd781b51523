/** The packages of two kernels side by side. */
@NullMarked
package io.kmolt.kernels;

import org.jspecify.annotations.NullMarked;
