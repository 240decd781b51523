package io.kmolt.module;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A named piece of a module: a function, or an object with contents.
 *
 * @param symbol index of its symbol in the symbol table
 * @param name the symbol's name
 * @param function whether it is a function
 * @param global whether other compilation units can name it
 * @param section index of the section that it is in
 * @param kind what that section is for
 * @param offset where it begins in the section, in bytes
 * @param size in bytes; may be 0
 */
public record Item(
        int symbol,
        String name,
        boolean function,
        boolean global,
        int section,
        SectionKind kind,
        long offset,
        long size) {

    private static final Pattern NUMBERED = Pattern.compile("(.+?)\\.(\\d+)");
    private static final Pattern CLONE = Pattern.compile("(.+?)\\.(isra|part|constprop|cold|llvm)(\\..*)?");
    private static final Pattern UNIQUE_ID = Pattern.compile("(__UNIQUE_ID_[A-Za-z_]+?)\\d+(?:\\.\\d+)?");

    /** {@code include/linux/btf_ids.h} adds two counters, one of them that of the line. */
    private static final Pattern TYPE_ID = Pattern.compile("(__BTF_ID__.+?)__\\d+");

    public long end() {
        return offset + size;
    }

    /** Whether the compiler changed how it is called, so that its name does not say its prototype. */
    public boolean isClone() {
        return function && CLONE.matcher(name).matches();
    }

    /** The name of the function in the source that it was made from: that of a clone or of a cold part is its parent's. */
    public String parent() {
        Matcher clone = CLONE.matcher(name);
        return function && clone.matches() ? clone.group(1) : name;
    }

    /** The name without the number that the compiler gave to a static local variable ({@code count.12} is a {@code count}). */
    public String stem() {
        // First those that may have such a number as well: __UNIQUE_ID_ddebug418.6.
        for (Pattern counted : List.of(UNIQUE_ID, TYPE_ID)) {
            Matcher matcher = counted.matcher(name);
            if (matcher.matches()) {
                return matcher.group(1);
            }
        }
        Matcher numbered = NUMBERED.matcher(name);
        return !function && numbered.matches() ? numbered.group(1) : name;
    }

    /** Whether {@link #name()} tells it from others in every build, as far as the compiler is concerned. */
    public boolean isNumbered() {
        return !stem().equals(name);
    }

    @Override
    public String toString() {
        return name;
    }
}
