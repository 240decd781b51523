package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.edition.EditionTarget.LoadedObject;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Conversation;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is asked of a kernel whose files are in a folder. */
class SymbolsTest {
    @TempDir
    private Path root;

    private final EditionFile file;

    SymbolsTest() throws EditionException {
        file = Editions.compile("""
                KMOLT_EDITION(pipe_read) int a(int x) { return x; }
                KMOLT_EDITION(minix_lookup, 1, minix) int b(int x) { return x; }
                KMOLT_EDITION(free_blocks, 1, minix) int c(int x) { return x; }
                """);
    }

    private void has(String path, String text) throws IOException {
        Path at = root.resolve(path.substring(1));
        Files.createDirectories(at.getParent());
        Files.writeString(at, text);
    }

    private long inode(String module) throws IOException {
        return (Long) Files.getAttribute(root.resolve("sys/module/" + module), "unix:ino");
    }

    private EditionTarget ask() throws IOException {
        has("/proc/sys/kernel/random/boot_id", Editions.BOOT_ID + "\n");
        Files.createDirectories(root.resolve("sys/module/minix/sections"));
        return Symbols.ask(new FolderTarget(root), file, Editions.CORE);
    }

    @Test
    void itFindsWhatIsNeededAndNothingElseAndPassesOverModulesOfItsOwn() throws IOException {
        has("/proc/kallsyms", """
                ffffffff81000000 T _stext
                ffffffff81300000 t pipe_read.cold
                ffffffff81300100 t pipe_read
                ffffffff81300200 t my_pipe_read
                ffffffff82e00000 T __init_begin
                ffffffff83000000 R __init_end
                ffffffffc0000100 t minix_lookup\t[minix]
                ffffffffc0000200 t free_blocks.isra.0\t[minix]
                ffffffffc0000300 t __pfx_free_blocks.isra.0\t[minix]
                ffffffffc0100100 t pipe_read\t[kmolt_other]
                ffffffffc0300100 t pipe_read\t[kmolt_pipes]
                ffffffffc0400100 t pipe_read\t[kmolt]
                """);
        has("/proc/modules", """
                minix 45056 1 - Live 0xffffffffc0000000
                fuse 180224 0 - Live 0xffffffffc0200000
                kmolt_pipes 4096 1 kmolt_pipes_r1, Live 0xffffffffc0300000 (OE)
                kmolt 69632 2 kmolt_pipes_r1,kmolt_pipes, Live 0xffffffffc0400000 (OE)
                kmolt_other 4096 0 - Live 0xffffffffc0100000 (OE)
                """);

        EditionTarget facts = ask();

        assertThat(facts.bootId()).isEqualTo(Editions.BOOT_ID);
        assertThat(facts.symbols().keySet())
                .containsExactlyInAnyOrder("pipe_read", "minix_lookup", "__init_begin", "__init_end");
        assertThat(facts.symbols().get("pipe_read"))
                .containsExactly(
                        new KernelSymbol(0xffffffff81300100L, 't', ""),
                        new KernelSymbol(0xffffffffc0100100L, 't', "kmolt_other"));
        assertThat(facts.modules()).containsEntry("minix", new LoadedObject(0xffffffffc0000000L, inode("minix")));
        assertThat(facts.modules()).doesNotContainKey("fuse");
        assertThat(facts.similar().get("free_blocks")).containsExactly("free_blocks.isra.0");
        assertThat(facts.body(0xffffffff81300100L)).isEqualTo(0xffffffff81300105L);
    }

    @Test
    void sitesBehindAnEndbrAreFoundWhereTheKernelListsAddresses() throws IOException {
        has("/proc/kallsyms", """
                ffffffff81300100 t pipe_read
                ffffffffc0000140 t minix_lookup\t[minix]
                """);
        has("/proc/modules", "minix 45056 1 - Live 0xffffffffc0000000\n");
        has("/sys/kernel/tracing/available_filter_functions_addrs", """
                ffffffff81300104 pipe_read
                ffffffff81300204 pipe_write
                ffffffffc0000140 minix_lookup [minix]
                """);
        EditionTarget facts = ask();
        assertThat(facts.body(0xffffffff81300100L)).isEqualTo(0xffffffff81300109L);
        assertThat(facts.body(0xffffffffc0000140L)).isEqualTo(0xffffffffc0000145L);
    }

    @Test
    void hiddenAddressesAreRefused() throws IOException {
        has("/proc/kallsyms", """
                0000000000000000 t pipe_read
                0000000000000000 t minix_lookup\t[minix]
                0000000000000000 t free_blocks\t[minix]
                0000000000000000 T __init_begin
                0000000000000000 T __init_end
                """);
        has("/proc/modules", "minix 45056 1 - Live 0x0000000000000000\n");
        EditionTarget facts = ask();
        assertThatThrownBy(() -> EditionLinker.link(file, facts, Prototypes.unknown("")))
                .isInstanceOfSatisfying(
                        EditionException.class,
                        e -> assertThat(e.refusals()).singleElement().asString().contains("kernel.kptr_restrict"));
    }

    @Test
    void aFileThatCannotBeReadIsAnError() {
        assertThatThrownBy(this::ask)
                .isInstanceOf(TargetException.class)
                .hasMessageContaining("/proc/kallsyms cannot be searched");
    }

    /** Runs scripts on this machine, with the folder's files in place of the kernel's. */
    private record FolderTarget(Path root) implements Target {
        @Override
        public String describe() {
            return "folder";
        }

        @Override
        public byte[] readFile(String path) throws TargetException {
            try {
                return Files.readAllBytes(root.resolve(path.substring(1)));
            } catch (IOException e) {
                throw new TargetException(path, e);
            }
        }

        @Override
        public void writeFile(String path, byte[] content) {
            throw new AssertionError("nothing is to be written");
        }

        @Override
        public List<String> list(String folder) {
            throw new AssertionError("nothing is to be listed");
        }

        @Override
        public boolean exists(String path) {
            return Files.exists(root.resolve(path.substring(1)));
        }

        @Override
        public String insertModule(byte[] ko, String name, String params) {
            throw new AssertionError("nothing is to be loaded");
        }

        @Override
        public void removeModule(String name) {
            throw new AssertionError("nothing is to be unloaded");
        }

        @Override
        public CommandResult run(String script, Duration timeout) throws TargetException {
            String here = script.replace(" /proc/", " " + root + "/proc/").replace(" /sys/", " " + root + "/sys/");
            try {
                Process process = new ProcessBuilder("sh", "-c", here).start();
                String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
                return new CommandResult(process.waitFor(), out, err);
            } catch (IOException e) {
                throw new TargetException(script, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new TargetException(script, e);
            }
        }

        @Override
        public Conversation open(String devicePath) {
            throw new AssertionError("nothing is to be opened");
        }

        @Override
        public void close() {}
    }
}
