package io.kmolt.swap;

import java.util.List;

/**
 * A task that is inside code that is about to change.
 *
 * @param pid its id
 * @param command its name
 * @param where the function that it is in, as {@code name+0x12/0x34 [module]}; or what else is wrong with its stack
 * @param stack its kernel stack, innermost first
 */
public record Blocker(int pid, String command, String where, List<String> stack) {}
