package io.kmolt.diff;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Changes one thing in C text: a number, an operator, a character of a string, a member of a struct, a statement. */
final class SourceMutator {
    private record Rule(String what, Pattern pattern, List<String> replacements) {}

    private static Rule rule(String what, String pattern, String... replacements) {
        return new Rule(what, Pattern.compile(pattern, Pattern.MULTILINE), List.of(replacements));
    }

    private static final List<Rule> RULES = List.of(
            rule("number", "(?<![\\w.\"])(\\d+)(?![\\w.\"])", "1$1", "($1 + 1)"),
            rule("comparison", "(?<=\\s)(==|!=|<=|>=|<|>)(?=\\s)", "==", "!=", "<=", ">"),
            rule("operator", "(?<=\\s)(\\+|-|\\*|&|\\|)(?=\\s)", "+", "-", "|", "&"),
            rule("logic", "(?<=\\s)(&&|\\|\\|)(?=\\s)", "&&", "||"),
            rule("literal", "(?<=\")([a-z% ]+)(?=[a-z]*\")", "$1x", "X$1"),
            rule(
                    "member or variable",
                    "^(\\s+)(unsigned int|int|unsigned long|u32|bool)(?=\\s+\\w+(\\[\\d+\\])?;)",
                    "$1long",
                    "$1short",
                    "$1char"),
            rule("two members", "^(\\s+[\\w ]+\\*?\\w+;)\\n(\\s+[\\w ]+\\*?\\w+;)$", "$2\n$1"),
            rule("statement", "^(\\s+)\\w[\\w>.-]*(\\(.*\\)| [-+]?= .*);$", "$1;"),
            rule("condition", "\\bif \\((?=[^;]*$)", "if (!"),
            rule("return value", "\\breturn (-?\\w+);", "return $1 + 1;", "return 0;"),
            rule("modifier", "\\b(static|const|__init|__exit|inline|unlikely|__user)\\b", ""));

    private SourceMutator() {}

    /** The text with one change; empty if the rule that was drawn finds nothing. */
    static Optional<Change> mutate(String text, RandomGenerator random) {
        Rule rule = RULES.get(random.nextInt(RULES.size()));
        List<MatchResult> places = new ArrayList<>(rule.pattern()
                .matcher(text)
                .results()
                .filter(m -> !isDirective(text, m.start()))
                .toList());
        if (places.isEmpty()) {
            return Optional.empty();
        }
        MatchResult place = places.get(random.nextInt(places.size()));
        String replacement =
                rule.replacements().get(random.nextInt(rule.replacements().size()));
        for (int group = 1; group <= place.groupCount(); group++) {
            replacement = replacement.replace("$" + group, String.valueOf(place.group(group)));
        }
        if (replacement.equals(place.group())) {
            return Optional.empty();
        }
        String what = "%s in line %d: %s → %s"
                .formatted(
                        rule.what(),
                        text.substring(0, place.start()).lines().count(),
                        place.group().strip(),
                        replacement.strip());
        return Optional.of(
                new Change(what, text.substring(0, place.start()) + replacement + text.substring(place.end())));
    }

    /**
     * A changed text.
     *
     * @param what what was changed
     */
    record Change(String what, String text) {}

    private static boolean isDirective(String text, int at) {
        return text.startsWith("#", text.lastIndexOf('\n', at) + 1);
    }
}
