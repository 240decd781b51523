package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import io.kmolt.module.Reference;
import io.kmolt.module.Referent;
import io.kmolt.x86.Decoder;
import io.kmolt.x86.Instruction;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How instructions of a module, and what they refer to, are put in words. */
final class CodeText {
    private static final int MOST_OF_A_LITERAL = 40;
    private static final Pattern HEX = Pattern.compile("0x0*([0-9A-Fa-f]+)");

    private CodeText() {}

    /**
     * An instruction as the GNU assembler writes it, with what it refers to; places in the function count from its
     * beginning.
     *
     * @param references what it refers to
     */
    static String of(KernelModule module, Item function, Instruction instruction, List<Reference> references) {
        if (instruction.branchTarget().isPresent()) {
            long target = instruction.branchTarget().getAsLong() - function.offset();
            return instruction.mnemonic() + " " + (references.isEmpty() ? place(target) : of(references.getFirst()));
        }
        String text = HEX.matcher(Decoder.shared().text(module.content(function.section()), instruction))
                .replaceAll(hex -> "0x" + hex.group(1).toLowerCase(Locale.ROOT));
        if (instruction.ripTarget().isPresent() && references.size() <= 1) {
            long target = instruction.ripTarget().getAsLong();
            String name = references.isEmpty() ? place(target - function.offset()) : of(references.getFirst());
            return text.replaceFirst("(?<!\\$)0x%x\\b".formatted(target), Matcher.quoteReplacement(name + "(%rip)"));
        }
        return references.isEmpty()
                ? text
                : text + "  # "
                        + String.join(
                                ", ", references.stream().map(CodeText::of).toList());
    }

    /** What a reference means. */
    static String of(Reference reference) {
        return switch (reference.referent()) {
            case Referent.InItem(Item item, long delta) -> item.name() + delta(delta);
            case Referent.Import(String name) -> name;
            case Referent.Literal(int _, long _, String text) -> quoted(text);
            case Referent.Anonymous(int _, long offset, var kind) ->
                "an unnamed place (%s + 0x%x)".formatted(kind.name().toLowerCase(Locale.ROOT), offset);
            case Referent.Absolute(long value) -> "0x%x".formatted(value);
        };
    }

    static String place(long offset) {
        return "+0x%x".formatted(offset);
    }

    private static String delta(long delta) {
        return delta == 0 ? "" : delta < 0 ? "-0x%x".formatted(-delta) : place(delta);
    }

    private static String quoted(String text) {
        String shown = text.length() > MOST_OF_A_LITERAL ? text.substring(0, MOST_OF_A_LITERAL) + "…" : text;
        StringBuilder quoted = new StringBuilder("\"");
        shown.chars().forEach(c -> {
            switch (c) {
                case '\n' -> quoted.append("\\n");
                case '\t' -> quoted.append("\\t");
                case '"' -> quoted.append("\\\"");
                default -> {
                    // The levels of printk begin with SOH. Text beyond ASCII is in UTF-8, of which these are the bytes.
                    if (c < ' ' || (c > '~' && c != '…')) {
                        quoted.append("\\%03o".formatted(c));
                    } else {
                        quoted.append((char) c);
                    }
                }
            }
        });
        return quoted.append('"').toString();
    }
}
