/** Disposable guests that run a real distribution kernel. */
@NullMarked
package io.kmolt.lab;

import org.jspecify.annotations.NullMarked;
