package io.kmolt.edition;

import io.kmolt.btf.Btf;
import io.kmolt.btf.BtfException;
import io.kmolt.btf.FunctionPrototypes;
import io.kmolt.elf.ElfException;
import io.kmolt.module.KernelModule;
import io.kmolt.route.ArgumentType;
import io.kmolt.route.CodeReference;
import io.kmolt.route.CodeTarget;
import io.kmolt.route.DispatcherCode;
import io.kmolt.route.DispatcherRequest;
import io.kmolt.route.Dispatchers;
import io.kmolt.route.KernelLayout;
import io.kmolt.route.Label;
import io.kmolt.route.Route;
import io.kmolt.route.RouteCompiler;
import io.kmolt.route.RouteContext;
import io.kmolt.route.RouteException;
import io.kmolt.swap.Core;
import io.kmolt.swap.CoreSession;
import io.kmolt.swap.CoreState;
import io.kmolt.swap.Facts;
import io.kmolt.swap.KernelImages;
import io.kmolt.swap.LoadedEditions;
import io.kmolt.swap.LoadedEditions.EditedFunction;
import io.kmolt.swap.Reply;
import io.kmolt.swap.SwapException;
import io.kmolt.target.ModuleUnloadException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Puts routes in force for all functions of one loaded update at once: compile, assemble, load, switch over. */
final class RouteInstaller {
    private static final String CURRENT_TASK = "current_task";
    private static final String CPU_NUMBER = "cpu_number";

    private final Target target;
    private final LoadedEditions editions;
    private final Map<String, Btf> types;
    private final KernelLayout layout;

    private RouteInstaller(Target target, LoadedEditions editions, Map<String, Btf> types, KernelLayout layout) {
        this.target = target;
        this.editions = editions;
        this.types = types;
        this.layout = layout;
    }

    /** Learns what routes ask for and where the running kernel keeps it. */
    static RouteInstaller of(Target target, LoadedEditions editions, KernelImages images)
            throws IOException, SwapException {
        Set<String> modules = editions.functions().stream()
                .map(function -> Labels.object(function.label()))
                .collect(Collectors.toSet());
        Map<String, List<KernelSymbol>> symbols = Symbols.symbols(target, List.of(CURRENT_TASK, CPU_NUMBER));
        try {
            KernelTypes types = KernelTypes.read(target, images, modules);
            KernelLayout layout =
                    KernelLayout.of(types.vmlinux(), address(symbols, CURRENT_TASK), address(symbols, CPU_NUMBER));
            return new RouteInstaller(target, editions, types.objects(), layout);
        } catch (BtfException e) {
            throw SwapException.unfit("what routes ask for cannot be found in the kernel: " + e.getMessage());
        }
    }

    private static long address(Map<String, List<KernelSymbol>> symbols, String name) throws BtfException {
        List<KernelSymbol> found = symbols.getOrDefault(name, List.of());
        if (found.size() != 1) {
            throw new BtfException("/proc/kallsyms", "it does not say where " + name + " is");
        }
        return found.getFirst().address();
    }

    /**
     * Understands routes.
     *
     * @param texts by the functions' labels
     */
    List<Route> compile(SequencedMap<String, String> texts) throws RouteException {
        List<Route> routes = new ArrayList<>();
        for (EditedFunction function : editions.functions()) {
            routes.add(RouteCompiler.compile(texts.getOrDefault(function.label(), "0"), context(function)));
        }
        return routes;
    }

    private RouteContext context(EditedFunction function) {
        Set<Integer> numbers =
                function.hits().keySet().stream().filter(number -> number != 0).collect(Collectors.toSet());
        Btf btf = types.get(Labels.object(function.label()));
        List<ArgumentType> arguments = btf == null
                ? List.of()
                : FunctionPrototypes.prototype(btf, Labels.name(function.label()))
                        .map(ArgumentType::of)
                        .orElse(List.of());
        return new RouteContext(function.label(), numbers, arguments);
    }

    /** The dispatchers as they would be, for people. */
    DispatcherCode draft(List<Route> routes, boolean count) {
        List<DispatcherRequest> requests = new ArrayList<>();
        for (Route route : routes) {
            Map<Integer, Long> counters = new HashMap<>();
            if (count) {
                counters.put(0, 0L);
                route.context().editions().forEach(number -> counters.put(number, 0L));
            }
            requests.add(new DispatcherRequest(route, false, counters));
        }
        return Dispatchers.assemble(layout, requests);
    }

    /** Asks the core, which nobody else can change while the session is open. */
    Description describe(CoreSession session) throws IOException, SwapException {
        Reply described = session.send("describe " + editions.name());
        if (!described.isOk()) {
            throw SwapException.unfit(editions.name() + ": " + described.message());
        }
        return Description.parse(described);
    }

    /**
     * Puts routes in force, for all functions at once.
     *
     * @param now what the core says in this session
     * @param texts by the functions' labels
     * @param count whether calls are counted
     * @throws SwapException if the core refuses them; then the old ones are in force
     */
    void install(CoreSession session, Description now, SequencedMap<String, String> texts, boolean count)
            throws IOException, RouteException, SwapException, EditionException {
        List<Description.Function> functions = now.functions();
        Map<String, Route> byLabel = new TreeMap<>();
        compile(texts).forEach(route -> byLabel.put(route.context().function(), route));
        List<Route> routes = new ArrayList<>();
        List<DispatcherRequest> requests = new ArrayList<>();
        for (Description.Function function : functions) {
            Route route = byLabel.get(function.label());
            if (route == null) {
                throw SwapException.busy(editions.name() + " was loaded anew meanwhile", List.of());
            }
            routes.add(route);
            requests.add(new DispatcherRequest(route, function.entry() != 0, count ? counters(function) : Map.of()));
        }
        DispatcherCode code = Dispatchers.assemble(layout, requests);
        Map<String, Long> switches = switches(session, routes);
        RoutesModule.Linked linked = link(new RoutesImage(
                editions.name(),
                Math.toIntExact(session.send("hello").number("sequence")),
                Facts.bootId(target),
                now.routes(),
                code.code(),
                code.references().stream()
                        .map(reference -> reference(reference, functions, switches))
                        .toList(),
                routes(functions, routes, code),
                code.returnSites(),
                code.orc().stream()
                        .filter(hint -> !hint.isUndefined())
                        .map(hint -> new RoutesImage.Unwind(hint.offset(), OptionalInt.of(hint.spOffset())))
                        .toList()));
        LoadEditions.insert(target, session, linked.module(), linked.image());
        Reply reply = session.send("route " + linked.module());
        if (!reply.isOk()) {
            // Closing the session takes the module away again.
            throw SwapException.unfit("%s: new routes are refused: %s".formatted(editions.name(), reply.message()));
        }
        unload(reply.values("retired"));
    }

    private static Map<Integer, Long> counters(Description.Function function) {
        Map<Integer, Long> counters = new HashMap<>();
        function.codes().forEach((number, edition) -> counters.put(number, edition.counter()));
        return counters;
    }

    private static Map<String, Long> switches(CoreSession session, List<Route> routes)
            throws IOException, SwapException {
        Map<String, Long> addresses = new HashMap<>();
        for (Route route : routes) {
            for (String name : route.switches()) {
                addresses.put(name, SwitchWord.ask(session, name).address());
            }
        }
        return addresses;
    }

    private RoutesModule.Linked link(RoutesImage image) throws IOException, SwapException, EditionException {
        String release = Facts.release(target);
        KernelModule core = Core.fitting(target, release, CoreState.ask(target));
        try {
            return RoutesModule.link(image, RoutesModule.template(release), core);
        } catch (ElfException e) {
            throw SwapException.unfit("the dispatchers cannot be made a module: " + e.getMessage());
        }
    }

    private static List<RoutesImage.Route> routes(
            List<Description.Function> functions, List<Route> routes, DispatcherCode code) {
        List<RoutesImage.Route> described = new ArrayList<>();
        for (int i = 0; i < functions.size(); i++) {
            described.add(new RoutesImage.Route(
                    functions.get(i).label(),
                    functions.get(i).address(),
                    routes.get(i).constant().equals(OptionalLong.of(0)),
                    routes.get(i).text().replace('\t', ' '),
                    Optional.of(new RoutesImage.Places(
                            code.label(i, Label.Kind.ENTRY).offset(),
                            code.label(i, Label.Kind.SHARED).offset(),
                            code.label(i, Label.Kind.FIRST).offset(),
                            code.label(i, Label.Kind.FIRST_SHARED).offset()))));
        }
        return described;
    }

    private static RoutesImage.Reference reference(
            CodeReference reference, List<Description.Function> functions, Map<String, Long> switches) {
        return new RoutesImage.Reference(
                reference.offset(),
                RoutesImage.Width.RELATIVE,
                resolve(reference.target(), functions, switches),
                reference.addend());
    }

    private static RoutesImage.Target resolve(
            CodeTarget to, List<Description.Function> functions, Map<String, Long> switches) {
        return switch (to) {
            case CodeTarget.Edition(int function, int number) ->
                new RoutesImage.Target.Absolute(
                        required(functions.get(function).codes().get(number)).address());
            case CodeTarget.Old(int function) ->
                new RoutesImage.Target.Absolute(functions.get(function).entry());
            case CodeTarget.Marker(int function) ->
                new RoutesImage.Target.Absolute(functions.get(function).marker());
            case CodeTarget.SwitchWord(String name) -> new RoutesImage.Target.Absolute(required(switches.get(name)));
            case CodeTarget.Go() -> new RoutesImage.Target.Go();
            case CodeTarget.ReturnThunk() -> new RoutesImage.Target.Import("__x86_return_thunk");
        };
    }

    private static <T> T required(@Nullable T known) {
        return Objects.requireNonNull(known, "a route refers to what the core does not know");
    }

    /**
     * Unloads modules that nothing leads to any more.
     *
     * @return why the last one of those that stay does; one with dispatchers that stays does no harm, and is named once more
     *     when routes change again
     */
    Optional<String> unload(List<String> modules) throws IOException {
        Optional<String> stays = Optional.empty();
        for (String module : modules) {
            try {
                target.removeModule(module);
            } catch (ModuleUnloadException e) {
                stays = Optional.of(String.valueOf(e.getMessage()));
            }
        }
        return stays;
    }
}
