package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.btf.VmlinuxBtf;
import io.kmolt.diff.Refusal;
import io.kmolt.diff.Refusal.Kind;
import io.kmolt.edition.Editions.Kernel;
import io.kmolt.elf.Corpus;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Why editions are not linked. */
class EditionRefusalTest {
    private static final long TEXT = 0xffff_ffff_8100_0000L;
    private static final long MODULES = 0xffff_ffff_c000_0000L;

    private static EditionFile plain;
    private static EditionFile inMinix;
    private static EditionFile second;
    private static EditionFile needy;

    @BeforeAll
    static void compile() throws Exception {
        plain = Editions.compile("KMOLT_EDITION(pipe_read) int mine(int x) { return x; }");
        inMinix = Editions.compile("KMOLT_EDITION(minix_lookup, 2, minix) int mine(int x) { return x; }");
        second = Editions.compile("KMOLT_EDITION(pipe_read, 1, vmlinux, 2) int mine(int x) { return x; }");
        needy = Editions.compile("""
                extern int hidden(int x);
                extern int table[];
                KMOLT_EDITION(pipe_read) int mine(int x) { return hidden(x) + table[x]; }
                """);
    }

    private static List<Refusal> refusals(EditionFile file, Kernel kernel) {
        return refusals(file, kernel, Prototypes.unknown("nobody asked"));
    }

    private static List<Refusal> refusals(EditionFile file, Kernel kernel, Prototypes prototypes) {
        try {
            Editions.link(file, kernel, prototypes);
            throw new AssertionError("not refused");
        } catch (EditionException e) {
            return e.refusals();
        }
    }

    @Test
    void aFunctionThatIsNotThere() {
        assertThat(refusals(plain, new Kernel().knowsAs("pipe_read", "pipe_read.isra.0", "fifo_pipe_read")))
                .containsExactly(new Refusal(
                        Kind.NO_SYMBOL,
                        "mine",
                        "there is no function pipe_read in the kernel; it has pipe_read.isra.0, fifo_pipe_read;"
                                + " if it belongs to a module, load that first"));
    }

    @Test
    void aFunctionOfAModuleThatIsNotLoaded() {
        assertThat(refusals(inMinix, new Kernel()))
                .containsExactly(new Refusal(
                        Kind.NO_SYMBOL,
                        "mine",
                        "there is no function minix_lookup in module minix, which is not loaded"));
        assertThat(refusals(inMinix, new Kernel().has("minix_lookup", MODULES, 't', "minix")))
                .extracting(Refusal::reason)
                .containsExactly("module minix is not loaded any more");
    }

    @Test
    void aFunctionThatIsSomewhereElse() {
        assertThat(refusals(inMinix, new Kernel().has("minix_lookup", TEXT).hasLoaded("minix", MODULES, 4096)))
                .extracting(Refusal::reason)
                .containsExactly("there is no function minix_lookup in module minix; there is one in vmlinux");
    }

    @Test
    void severalOfOneName() {
        Kernel kernel =
                new Kernel().has("pipe_read", TEXT).has("pipe_read", TEXT + 64).has("pipe_read", MODULES, 't', "minix");
        assertThat(refusals(plain, kernel))
                .containsExactly(new Refusal(
                        Kind.AMBIGUOUS_SYMBOL,
                        "mine",
                        "there are 3 symbols pipe_read in the kernel; say which one is meant:"
                                + " KMOLT_EDITION(pipe_read, 1, vmlinux, 1), or"
                                + " KMOLT_EDITION(pipe_read, 1, vmlinux, 2), or"
                                + " KMOLT_EDITION(pipe_read, 1, minix, 1)"));
    }

    @Test
    void fewerOfOneNameThanSaid() {
        assertThat(refusals(second, new Kernel().has("pipe_read", TEXT)))
                .extracting(Refusal::reason)
                .containsExactly("the kernel has 1 of the name pipe_read, so there is no number 2");
    }

    @Test
    void dataInPlaceOfAFunction() {
        assertThat(refusals(plain, new Kernel().has("pipe_read", TEXT, 'd', "")))
                .containsExactly(new Refusal(
                        Kind.WRONG_SYMBOL, "mine", "pipe_read is data, not a function (type d in /proc/kallsyms)"));
    }

    @Test
    void whatOnlyRanAtBoot() {
        Kernel kernel = new Kernel()
                .has("pipe_read", TEXT + 0x100)
                .has("__init_begin", TEXT)
                .has("__init_end", TEXT + 0x1000);
        assertThat(refusals(plain, kernel))
                .extracting(Refusal::reason)
                .containsExactly(
                        "pipe_read was part of the kernel's initialisation, whose memory has been freed since");
    }

    @Test
    void hiddenAddressesOnce() {
        Kernel kernel = new Kernel().has("pipe_read", 0).has("hidden", 0).has("table", 0, 'd', "");
        assertThat(refusals(needy, kernel)).singleElement().satisfies(refusal -> {
            assertThat(refusal.kind()).isEqualTo(Kind.HIDDEN_ADDRESS);
            assertThat(refusal.toString()).contains("kptr_restrict", "must run as root");
        });
    }

    @Test
    void whatIsNeededAndMissingOrAmbiguousOrOfAnotherSort() {
        Kernel kernel = new Kernel()
                .has("pipe_read", TEXT)
                .has("hidden", TEXT + 0x100, 'd', "")
                .has("table", TEXT + 0x200, 'd', "")
                .has("table", TEXT + 0x300, 'd', "");
        assertThat(refusals(needy, kernel))
                .extracting(Refusal::toString)
                .containsExactlyInAnyOrder(
                        "hidden: hidden is data, not a function (type d in /proc/kallsyms)",
                        "table: there are 2 symbols table in the kernel; say which one is meant:"
                                + " extern … KMOLT_SYMBOL(vmlinux, table, 1), or extern … KMOLT_SYMBOL(vmlinux, table, 2)");
        assertThat(refusals(needy, new Kernel().has("pipe_read", TEXT).has("hidden", TEXT + 64)))
                .extracting(Refusal::reason)
                .containsExactly("there is no symbol table in the kernel; if it belongs to a module, load that first");
    }

    @Test
    void whatCouldBeUnloaded() {
        Kernel kernel = new Kernel()
                .has("pipe_read", TEXT)
                .has("hidden", MODULES, 't', "minix")
                .has("table", TEXT + 64, 'r', "")
                .hasLoaded("minix", MODULES, 4096);
        assertThat(refusals(needy, kernel))
                .containsExactly(new Refusal(
                        Kind.MODULE_LIFETIME,
                        "hidden",
                        "it is in module minix, which could be unloaded while editions of other functions use it;"
                                + " only a file with editions of that module's functions alone may"));
    }

    @Test
    void twoEditionsOfOneNumber() throws Exception {
        EditionFile file = Editions.compile("""
                KMOLT_EDITION(pipe_read) int a(int x) { return x; }
                KMOLT_EDITION(pipe_read, 1, vmlinux) int b(int x) { return x + 1; }
                """);
        assertThat(refusals(file, Kernel.withPipes()))
                .containsExactly(new Refusal(
                        Kind.DECLARATION,
                        "b",
                        "a is an edition of pipe_read with the same number 1; give one of them another one"));
    }

    @Test
    void aLabelThatIsTooLong() throws Exception {
        String name = "f".repeat(128);
        EditionFile file = Editions.compile("KMOLT_EDITION(%s) int a(int x) { return x; }".formatted(name));
        assertThat(refusals(file, new Kernel().has(name, TEXT)))
                .extracting(Refusal::reason)
                .containsExactly(name + " is longer than the 127 characters that a function's label may have");
    }

    @Test
    void anotherPrototype() throws Exception {
        EditionFile other = Editions.compile("""
                KMOLT_EDITION(pipe_read) ssize_t narrow(struct kiocb *iocb, int to) { return to; }
                KMOLT_EDITION(pipe_write) ssize_t same(struct kiocb *iocb, struct iov_iter *from) { return 0; }
                """);
        Prototypes known = BtfPrototypes.read(
                other,
                KernelTypes.of(VmlinuxBtf.read(Corpus.image(Corpus.BOOKWORM)).file(), Map.of()));
        assertThat(refusals(other, Kernel.withPipes(), known)).singleElement().satisfies(refusal -> {
            assertThat(refusal.kind()).isEqualTo(Kind.PROTOTYPE);
            assertThat(refusal.subject()).isEqualTo("narrow");
            assertThat(refusal.reason())
                    .startsWith("it is called as pipe_read is, but parameter 2 differs: ")
                    .contains("ssize_t narrow(struct kiocb *, int)")
                    .contains("ssize_t pipe_read(struct kiocb *, struct iov_iter *)");
        });
    }

    @Test
    void everyReasonIsTold() {
        assertThat(refusals(needy, new Kernel()))
                .extracting(Refusal::subject)
                .containsExactly("mine", "hidden", "table");
    }
}
