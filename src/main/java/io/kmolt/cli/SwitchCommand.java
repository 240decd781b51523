package io.kmolt.cli;

import io.kmolt.edition.SwitchWord;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kmolt switch}: the words that routes read. */
@Command(
        name = "switch",
        mixinStandardHelpOptions = true,
        description = {
            "Shows or sets switches: named 64-bit words that routes read as switch(\"NAME\").",
            "All routes that read one see its new value at once; a new switch is 0."
        },
        footer = {
            "",
            "Examples:",
            "  kmolt switch             all switches",
            "  kmolt switch new 1       set one",
            "",
            "Exit status: 0 done; 2 usage; 3 no such switch, a name that does not do, or unfit target; 4 busy."
        })
final class SwitchCommand implements Callable<Integer> {
    @Mixin
    TargetOption target = new TargetOption();

    @Mixin
    SigningOptions signing = new SigningOptions();

    @Mixin
    OutputOptions output = new OutputOptions();

    @Parameters(index = "0", arity = "0..1", paramLabel = "NAME", description = "only this one")
    @Nullable
    String name;

    @Parameters(index = "1", arity = "0..1", paramLabel = "VALUE", description = "what it is to hold")
    @Nullable
    Long value;

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException, SwapException {
        try (Target opened = signing.open(target)) {
            SortedMap<String, Long> shown = new TreeMap<>();
            if (name != null && value != null) {
                SwitchWord word = SwitchWord.set(opened, name, value);
                shown.put(word.name(), word.value());
            } else {
                shown.putAll(CoreState.ask(opened).switches());
                if (name != null && !shown.containsKey(name)) {
                    throw SwapException.unfit("there is no switch " + name + " on " + opened.describe()
                            + "; kmolt switch " + name + " 0 makes it");
                }
                shown.keySet().removeIf(other -> name != null && !other.equals(name));
            }
            output.print(spec, shown, out -> shown.forEach((key, holds) -> out.printf("%s: %d%n", key, holds)));
        }
        return ExitCode.OK;
    }
}
