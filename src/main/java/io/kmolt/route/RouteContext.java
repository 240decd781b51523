package io.kmolt.route;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What a route is for.
 *
 * @param function what people call the function, for messages
 * @param editions the numbers of its editions, 1 to 255
 * @param arguments what the integer argument registers hold, in the order rdi, rsi, rdx, rcx, r8, r9; see
 *     {@link ArgumentType#of}
 */
public record RouteContext(String function, SortedSet<Integer> editions, List<ArgumentType> arguments) {
    /** Numbers of editions have to fit into one byte ({@code struct kmolt_code}). */
    public static final int MAX_EDITION = 255;

    public RouteContext(String function, Collection<Integer> editions, List<ArgumentType> arguments) {
        this(function, new TreeSet<>(editions), arguments);
    }

    public RouteContext {
        for (int edition : editions) {
            if (edition < 1 || edition > MAX_EDITION) {
                throw new IllegalArgumentException("edition " + edition);
            }
        }
        if (arguments.size() > ArgumentType.REGISTERS) {
            throw new IllegalArgumentException(arguments.size() + " arguments");
        }
        editions = Collections.unmodifiableSortedSet(new TreeSet<>(editions));
        arguments = List.copyOf(arguments);
    }
}
