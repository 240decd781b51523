package io.kmolt.edition;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Dispatchers as machine code, and all that is to be said of them.
 *
 * @param editions name of the update whose editions they lead to
 * @param generation a number that no other routes of that update have had since it was loaded
 * @param bootId {@code /proc/sys/kernel/random/boot_id} of the boot that they are made for
 * @param from name of the module with the routes that are in force; empty for none
 * @param code the dispatchers of all functions
 * @param references what is to be filled in
 * @param routes one for each function of the update, in the update's order
 * @param returnSites offsets of jumps to {@code __x86_return_thunk}, which the kernel may patch to returns
 * @param unwind what is on the stack, from which offset on, ascending
 */
public record RoutesImage(
        String editions,
        int generation,
        String bootId,
        String from,
        byte[] code,
        List<Reference> references,
        List<Route> routes,
        List<Integer> returnSites,
        List<Unwind> unwind) {

    public RoutesImage {
        references = List.copyOf(references);
        routes = List.copyOf(routes);
        returnSites = List.copyOf(returnSites);
        unwind = List.copyOf(unwind);
    }

    /**
     * A 32-bit field that refers to something.
     *
     * @param offset where it is in the code
     * @param width how the field says it
     * @param target what it refers to
     * @param addend what is added to the target's address; for a relative field that ends its instruction, -4
     */
    public record Reference(int offset, Width width, Target target, long addend) {}

    /** What is written into a field. */
    public enum Width {
        /** The distance from the field's own address ({@code R_X86_64_PC32}). */
        RELATIVE,
        /** The address itself, which the processor sign-extends ({@code R_X86_64_32S}). */
        SIGNED
    }

    /** What a field refers to. */
    public sealed interface Target {
        /**
         * Something in the running kernel.
         *
         * @param address where
         */
        record Absolute(long address) implements Target {}

        /** The {@code u32} that says whether these routes are in force. */
        record Go() implements Target {}

        /**
         * A symbol that the kernel exports.
         *
         * @param name its name
         */
        record Import(String name) implements Target {}
    }

    /**
     * The route of one function.
     *
     * @param label what people call the function
     * @param function its address
     * @param none whether all calls go to the original
     * @param text the route as it was typed
     * @param places where its dispatchers are; empty if it has none
     */
    public record Route(String label, long function, boolean none, String text, Optional<Places> places) {}

    /**
     * Where the four dispatchers of a function begin, as offsets into the code; {@code struct kmolt_route} in {@code
     * kernel/kmolt_abi.h} says what each is for.
     */
    public record Places(int entry, int shared, int first, int firstShared) {}

    /**
     * What is on the stack from an instruction on.
     *
     * @param offset of the instruction
     * @param depth how far the end of the caller's return address is above the stack pointer, in bytes, as 8 where only
     *     that is on the stack; empty where it cannot be told
     */
    public record Unwind(int offset, OptionalInt depth) {}
}
