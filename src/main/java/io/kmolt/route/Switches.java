package io.kmolt.route;

import java.util.SortedSet;
import java.util.TreeSet;

/** Which switches a route reads. */
final class Switches {
    private final SortedSet<String> names = new TreeSet<>();

    private Switches() {}

    static SortedSet<String> of(Value program) {
        Switches switches = new Switches();
        switches.visit(program);
        return switches.names;
    }

    private void visit(Term term) {
        switch (term) {
            case Value.SwitchWord word -> names.add(word.name());
            case Value.Constant _, Value.Quantity _, Value.Argument _, Condition.Always _ -> {}
            case Value.Negation negation -> visit(negation.operand());
            case Value.Complement complement -> visit(complement.operand());
            case Value.Arithmetic arithmetic -> visit(arithmetic.left(), arithmetic.right());
            case Value.Choice choice -> visit(choice.condition(), choice.then(), choice.otherwise());
            case Condition.Comparison comparison -> visit(comparison.left(), comparison.right());
            case Condition.Both both -> visit(both.first(), both.second());
            case Condition.Either either -> visit(either.first(), either.second());
            case Condition.Chosen chosen -> visit(chosen.condition(), chosen.then(), chosen.otherwise());
        }
    }

    private void visit(Term... terms) {
        for (Term term : terms) {
            visit(term);
        }
    }
}
