package io.kmolt.demo;

import java.util.ArrayList;
import java.util.List;

/** What did not hold. */
final class Findings {
    private final List<String> wrong = new ArrayList<>();

    /** Notes what is wrong unless something holds. */
    void check(boolean holds, String otherwise) {
        if (!holds) {
            wrong.add(otherwise);
        }
    }

    List<String> all() {
        return List.copyOf(wrong);
    }
}
