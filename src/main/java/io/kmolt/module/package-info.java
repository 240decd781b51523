/** A kernel module as a model: its symbols, what refers to what, what each section is for. */
@NullMarked
package io.kmolt.module;

import org.jspecify.annotations.NullMarked;
