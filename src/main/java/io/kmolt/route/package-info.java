/**
 * Routes: which edition of a function answers a call. {@link io.kmolt.route.RouteCompiler} reads an expression such as
 * {@code uid == 1000 ? 1 : 0}, {@link io.kmolt.route.Dispatchers} makes x86-64 code of it, with unwind data. All of it
 * computes only; nothing is read or written.
 *
 * <p>The language. Values are 64-bit signed numbers or conditions. A number stands for a condition as in C, but no
 * condition for a number:
 *
 * <ul>
 *   <li>{@code uid}, {@code gid}: the real ids of the calling task, as the initial user namespace sees them; unsigned,
 *       32 bits. {@code pid}: the thread, {@code tgid}: the process, as the initial namespace sees them;
 *       {@code cpu}: the number of the processor. In an interrupt the task is the one that was interrupted.
 *   <li>{@code arg0} to {@code arg5}: the function's arguments in integer registers, with the width and the sign of the
 *       parameter. An unsigned 64-bit one counts as signed.
 *   <li>{@code switch("name")}: a word that can be set at any time; each mention reads it anew.
 *   <li>{@code 12}, {@code 0x1f}; {@code - ~} and {@code * + - << >> & ^ |} on numbers, wrapping around; shifts look at
 *       the low six bits of the count, {@code >>} keeps the sign.
 *   <li>{@code == != < <= > >=} make conditions of numbers; {@code ! && ||} conditions of conditions; {@code ?:} chooses.
 *   <li>Operators bind as in C.
 * </ul>
 *
 * <p>The whole is a number: that of the edition, or 0 for the original. What an edition does not have as its number goes
 * to the original.
 */
@NullMarked
package io.kmolt.route;

import org.jspecify.annotations.NullMarked;
