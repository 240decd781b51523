/** Editions of kernel functions: written in C, compiled, and linked onto the running kernel; and the routes to them. */
@NullMarked
package io.kmolt.edition;

import org.jspecify.annotations.NullMarked;
