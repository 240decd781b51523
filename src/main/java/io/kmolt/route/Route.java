package io.kmolt.route;

import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;

/** A route that was understood. */
public final class Route {
    private final String text;
    private final RouteContext context;
    private final Value program;

    Route(String text, RouteContext context, Value program) {
        this.text = text;
        this.context = context;
        this.program = program;
    }

    /** As it was typed. */
    public String text() {
        return text;
    }

    /** What it was compiled for. */
    public RouteContext context() {
        return context;
    }

    /** What it computes, as far as that is not known beforehand. */
    Value program() {
        return program;
    }

    /** Where all calls go, if that does not depend on anything: an edition, or 0 for the original. */
    public OptionalLong constant() {
        return program instanceof Value.Constant constant ? OptionalLong.of(constant.value()) : OptionalLong.empty();
    }

    /**
     * Where calls can go, 0 for the original; more than can happen if a part of the route is computed rather than chosen.
     */
    public SortedSet<Integer> outcomes() {
        SortedSet<Integer> outcomes = new TreeSet<>();
        collect(program, outcomes);
        return outcomes;
    }

    private void collect(Value value, SortedSet<Integer> outcomes) {
        switch (value) {
            case Value.Constant constant -> outcomes.add(outcome(constant.value()));
            case Value.Choice choice -> {
                collect(choice.then(), outcomes);
                collect(choice.otherwise(), outcomes);
            }
            default -> {
                outcomes.add(0);
                outcomes.addAll(context.editions());
            }
        }
    }

    /** Where a call goes for which the route made {@code number}. */
    int outcome(long number) {
        return number >= 1
                        && number <= RouteContext.MAX_EDITION
                        && context.editions().contains((int) number)
                ? (int) number
                : 0;
    }

    /** The names of the switches that it reads. */
    public SortedSet<String> switches() {
        return Switches.of(program);
    }

    @Override
    public String toString() {
        return context.function() + ": " + text;
    }
}
