package io.kmolt.route;

/** A place in the code that can be jumped to. Two marks of one name are two places. */
final class Mark {
    private final String name;

    Mark(String name) {
        this.name = name;
    }

    @Override
    public String toString() {
        return name;
    }
}
