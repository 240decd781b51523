package io.kmolt.diff;

/**
 * An argument that tells a function a line of its caller's source, as its parameter's name has it.
 *
 * @param place among the arguments, from 0
 * @param certain whether its type and the parameter before it speak for it, too
 */
public record LineArgument(int place, boolean certain) {}
