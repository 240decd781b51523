package io.kmolt.route;

/** What an {@link Assembler} puts one after the other. */
sealed interface Item {
    /** An instruction: its bytes are known. {@code depth}: how many words are on the stack before it. */
    record Fixed(MachineCode code, int depth, After after, boolean counts) implements Item {}

    /** A jump within the code; how far decides how long it is. */
    record Jump(JumpKind kind, Mark target, int depth) implements Item {}

    /** The place of a mark. */
    record Place(Mark mark) implements Item {}

    /** As many {@code int3} as are needed for {@code aligned} to stand at a multiple of 16. */
    record Padding(Mark aligned) implements Item {}

    /** Where the processor goes after an instruction. */
    sealed interface After {
        /** To the next one. */
        record Next() implements After {}

        /** Away: to an edition, or to the original, which is 0. */
        record Outcome(int edition) implements After {}

        /** Away, to what no route leads to. */
        record Elsewhere() implements After {}
    }
}
