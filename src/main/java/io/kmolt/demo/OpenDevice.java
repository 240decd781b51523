package io.kmolt.demo;

import io.kmolt.demo.GuestBook.Greeting;
import io.kmolt.swap.SwapException;
import io.kmolt.target.Target;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Part 2: the example device is swapped while one process sleeps in its read and another one writes to it. */
final class OpenDevice {
    private static final String MODULE = "greeter";
    private static final String HEARD = "/tmp/kmolt-demo-heard";
    private static final String PIDS = "/tmp/kmolt-demo-pids";

    private final Stage stage;
    private final DemoFiles files;

    /** The latest that was seen; nothing may go back. */
    private Book book = new Book(0, 0, Map.of());

    /**
     * What /proc/greeter says.
     *
     * @param version of the build that answers
     * @param signatures by everyone
     * @param visitors signatures of each process that has the device open, by its id
     */
    private record Book(int version, long signatures, Map<String, Long> visitors) {}

    OpenDevice(Stage stage, DemoFiles files) {
        this.stage = stage;
        this.files = files;
    }

    void play() throws IOException, SwapException {
        begin();
        show("before", 1);
        stage.swap(MODULE, files.greeter2(), "version 2", Optional.of(files.greeter1()));
        show("after", 2);
        stage.revert(MODULE);
        show("back", 1);
        stage.swap(MODULE, files.greeter2(), "version 2", Optional.of(files.greeter1()));
        show("again", 2);
        end();
    }

    /** One process signs a few times a second, another one reads the greetings; both keep the device open. */
    private void begin() throws IOException {
        stage.run("""
                insmod %1$s || exit 1
                n=0; until [ -c /dev/greeter ] || [ $n -ge 50 ]; do sleep 0.1; n=$((n + 1)); done
                (setsid cat /dev/greeter >%2$s 2>&1 </dev/null & echo $! >%3$s)
                (setsid sh -c 'exec 3<>/dev/greeter
                    n=0; while n=$((n + 1)); echo "Ada $n" >&3; do sleep 0.25; done' </dev/null >/dev/null 2>&1 &
                    echo $! >>%3$s)
                """.formatted(files.greeter1(), HEARD, PIDS));
        stage.timeline().event("device", "/dev/greeter, version 1: greets whoever signs its guest book");
        stage.timeline().more("one process signs it as Ada 1, Ada 2 ...; another one reads, and sleeps in read()");
    }

    /** Waits for two greetings from now on, shows the latest one, and checks who made it and that nothing was lost. */
    private void show(String when, int version) throws IOException {
        int before = heard().greetings().size();
        List<Greeting> greetings = List.of();
        for (int i = 0; i < 100 && greetings.size() < before + 2; i++) {
            stage.run("sleep 0.2");
            greetings = heard().greetings();
        }
        if (greetings.size() < before + 2) {
            stage.findings().check(false, "the reader of /dev/greeter hears nothing any more");
            return;
        }
        Greeting latest = greetings.getLast();
        Book last = book;
        book = look();
        String[] lines = latest.text().strip().split("\n");
        stage.timeline().event(when, "the reader hears:  " + lines[0]);
        for (int i = 1; i < lines.length; i++) {
            stage.timeline().more("                   " + lines[i] + "   (version 1's bug: the name's newline)");
        }
        stage.timeline()
                .more("/proc/greeter:     version %d, %d signatures, open by %d processes"
                        .formatted(
                                book.version(),
                                book.signatures(),
                                book.visitors().size()));
        stage.findings()
                .check(
                        latest.version() == version && book.version() == version,
                        "version %d answers, not %d".formatted(latest.version(), version));
        stage.findings()
                .check(
                        book.signatures() > last.signatures(),
                        "%d signatures, before the change %d".formatted(book.signatures(), last.signatures()));
        last.visitors()
                .forEach((pid, signed) -> stage.findings()
                        .check(
                                book.visitors().getOrDefault(pid, -1L) >= signed,
                                "visitor " + pid + " is gone or has lost signatures"));
    }

    private GuestBook heard() throws IOException {
        // Not Stage.run: it takes the newline at the end, which belongs to the last greeting.
        GuestBook heard = GuestBook.parse(
                stage.target().run("cat " + HEARD, Target.DEFAULT_TIMEOUT).stdout());
        String problem = heard.rest().isEmpty() ? heard.problem() : new GuestBook(heard.greetings(), "").problem();
        stage.findings().check(problem.isEmpty(), problem);
        return heard;
    }

    private Book look() throws IOException {
        int version = 0;
        long signatures = -1;
        Map<String, Long> visitors = new TreeMap<>();
        for (String line : stage.run("cat /proc/greeter").split("\n")) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "greeter" -> version = Integer.parseInt(words[1]);
                case "signatures" -> signatures = Long.parseLong(words[1]);
                case "visitor" -> visitors.put(words[1], Long.parseLong(words[3]));
                default -> {}
            }
        }
        return new Book(version, signatures, visitors);
    }

    private void end() throws IOException {
        stage.run("""
                set -- $(cat %s)
                kill $2; sleep 1; kill $1
                n=0; until [ "$(cat /sys/module/greeter/refcnt)" = 0 ] || [ $n -ge 50 ]; do sleep 0.2; n=$((n + 1)); done
                """.formatted(PIDS));
        long signed = look().signatures();
        GuestBook heard = heard();
        stage.findings().check(heard.problem().isEmpty(), heard.problem());
        stage.findings()
                .check(
                        heard.greetings().size() == signed,
                        "%d signatures, but %d greetings"
                                .formatted(signed, heard.greetings().size()));
        stage.timeline()
                .event(
                        "stop",
                        "%d signatures; the reader has heard %d greetings, in order"
                                .formatted(signed, heard.greetings().size()));
        stage.unload(MODULE);
    }
}
