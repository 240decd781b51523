package io.kmolt.edition;

import static io.kmolt.edition.Editions.PIPE_READ;
import static io.kmolt.edition.Editions.PIPE_WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.edition.Editions.Kernel;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.elf.ModVersion;
import io.kmolt.link.Descriptor;
import io.kmolt.module.TinyModule;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kernel would find in a linked update with editions. */
class EditionLinkerTest {
    private static EditionFile pipes;
    private static EditionUpdate update;
    private static LoadedImage image;

    @BeforeAll
    static void link(@TempDir Path folder) throws Exception {
        pipes = Editions.pipes(folder);
        update = Editions.link(pipes, Kernel.withPipes());
        image = LoadedImage.of(update.module(), update.image());
    }

    @Test
    void itIsSound() throws Exception {
        image.isSound();
    }

    @Test
    void itIsAnotherModule() {
        assertThat(update.name()).isEqualTo("pipes");
        assertThat(update.module()).isEqualTo("kmolt_pipes");
        assertThat(image.moduleName()).isEqualTo("kmolt_pipes");
        assertThat(image.elf().modinfo("name")).contains("kmolt_pipes");
        assertThat(image.elf().modinfo("depends")).contains("kmolt");
        assertThat(image.elf().modinfo("license")).contains("GPL");
        assertThat(image.elf().modinfo("vermagic")).isEqualTo(pipes.elf().modinfo("vermagic"));
        assertThat(image.elf().symbolVersions())
                .contains(
                        new ModVersion("kmolt_enroll_editions", 0x11111111),
                        new ModVersion("kmolt_withdraw_editions", 0x22222222))
                .containsAll(pipes.elf().symbolVersions());
    }

    @Test
    void theDescriptorSaysWhatItBrings() {
        assertThat(image.word(0)).isEqualTo(0x0a45746c6f6d6bL);
        assertThat(image.word(8)).isEqualTo(Descriptor.ABI | 160L << 32);
        assertThat(image.text(16)).isEqualTo(Editions.BOOT_ID);
        assertThat(image.text(80)).isEqualTo("pipes");
        assertThat(image.word(152)).isEqualTo(2);
        long functions = image.word(144) - image.address(".kmolt");
        assertThat(functions).isEqualTo(160);

        int read = 160;
        assertThat(image.word(read)).isEqualTo(PIPE_READ);
        assertThat(image.word(read + 8)).isZero();
        assertThat(image.word(read + 16)).isZero();
        assertThat(image.text(read + 24)).isEqualTo("pipe_read");
        assertThat(image.text(read + 152)).isEmpty();
        assertThat(image.word(read + 216)).isEqualTo(image.address(".kmolt.data"));
        assertThat(image.word(read + 232)).isEqualTo(1);
        int write = read + 240;
        assertThat(image.word(write)).isEqualTo(PIPE_WRITE);
        assertThat(image.text(write + 24)).isEqualTo("pipe_write");
        assertThat(image.word(write + 216)).isEqualTo(image.address(".kmolt.data") + 8);

        int code = (int) (image.word(write + 224) - image.address(".kmolt"));
        assertThat(image.word(code)).isEqualTo(image.address(".text.kmolt.1._.0.pipe_write"));
        assertThat(image.word(code + 8)).isEqualTo(1);
    }

    @Test
    void markersAreWritableAndZero() {
        var section = image.elf().section(".kmolt.data").orElseThrow();
        assertThat(section.isWritable()).isTrue();
        assertThat(image.elf().content(section)).isEqualTo(new byte[16]);
    }

    @Test
    void itsInitAndExitTellTheCore() {
        List<String> init = image.disassemble(image.atModuleField("init_module", Editions.CORE), 4);
        assertThat(init)
                .containsExactly(
                        "endbr64", "lea .kmolt+0", "lea .gnu.linkonce.this_module+0", "jmp kmolt_enroll_editions");
        List<String> exit = image.disassemble(image.atModuleField("cleanup_module", Editions.CORE), 3);
        assertThat(exit).containsExactly("endbr64", "lea .kmolt+0", "jmp kmolt_withdraw_editions");
    }

    @Test
    void theOriginalIsReachedPastTheDispatcherOrThroughIt() {
        ElfSymbol original = image.symbol("__kmolt_original_counted_write");
        assertThat(original.isDefined()).isTrue();
        assertThat(image.disassemble(image.address(original), 5))
                .containsExactly(
                        "cmp .kmolt.data+8",
                        "jnz +5",
                        "jmp %x".formatted(PIPE_WRITE + 5),
                        "lea .kmolt.data+8",
                        "jmp %x".formatted(PIPE_WRITE));
        byte[] code = image.bytes(image.address(original), 32);
        assertThat(code[7]).as("compared with 0").isZero();
        assertThat(new byte[] {code[15], code[16], code[17]})
                .as("into r10")
                .isEqualTo(new byte[] {0x4c, (byte) 0x8d, 0x15});
        assertThat(image.symbol("kmolt_original.pipe_write").value()).isEqualTo(original.value());
    }

    @Test
    void theStackCanBeUnwoundFromTheStubs() {
        int old = (int) pipes.elf().section(".orc_unwind").orElseThrow().size();
        byte[] orc = image.elf().content(image.elf().section(".orc_unwind").orElseThrow());
        assertThat(orc)
                .hasSize(old + 12)
                .startsWith(
                        pipes.elf().content(pipes.elf().section(".orc_unwind").orElseThrow()));
        assertThat(orc).endsWith(8, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0);
        List<Long> places = image.orcPlaces();
        assertThat(places).hasSize(orc.length / 6);
        long start = image.address(".text.kmolt");
        long size = image.elf().section(".text.kmolt").orElseThrow().size();
        assertThat(places).endsWith(start, start + size);
    }

    @Test
    void wherePastTheSiteIsElsewhereTheKernelSaysSo() throws Exception {
        LoadedImage other = image(pipes, Kernel.withPipes().entersBehind(PIPE_READ, PIPE_READ + 9));
        ElfSymbol original = other.symbol("__kmolt_original_counted_read");
        assertThat(other.disassemble(other.address(original), 5))
                .contains("jmp %x".formatted(PIPE_READ + 9), "jmp %x".formatted(PIPE_READ));
    }

    @Test
    void whatIsNotExportedIsWhereTheKernelHasIt() throws Exception {
        EditionFile file = Editions.compile("""
                extern int hidden(int x);
                extern int third(int x) KMOLT_SYMBOL(vmlinux, third, 2);
                KMOLT_EDITION(minix_lookup, 1, minix)
                int one(int x) { return hidden(x) + third(x) + 1; }
                """);
        Kernel kernel = new Kernel()
                .has("hidden", 0xffff_ffff_8100_0100L)
                .has("third", 0xffff_ffff_8100_0200L)
                .has("third", 0xffff_ffff_8100_0300L)
                .has("third", 0xffff_ffff_c000_0300L, 't', "minix")
                .has("minix_lookup", 0xffff_ffff_c000_0400L, 't', "minix")
                .hasLoaded("minix", 0xffff_ffff_c000_0000L, 0x9000);
        LoadedImage linked = image(file, kernel);
        long code = linked.address(".text.kmolt.1.minix.0.minix_lookup");
        assertThat(linked.disassemble(code, 12))
                .contains("call ffffffff81000100", "call ffffffff81000300", "call __fentry__");
        assertThat(linked.text(160 + 24)).isEqualTo("minix:minix_lookup");
        assertThat(linked.text(160 + 152)).isEqualTo("minix");
        assertThat(linked.word(160 + 8)).isEqualTo(0xffff_ffff_c000_0000L);
        assertThat(linked.word(160 + 16)).isEqualTo(0x9000);
    }

    @Test
    void editionsAreInOrderOfTheirNumbers() throws Exception {
        EditionFile file = Editions.compile("""
                KMOLT_EDITION(pipe_read, 9) int nine(int x) { return x + 9; }
                KMOLT_EDITION(alias, 3) int three(int x) { return x + 3; }
                KMOLT_EDITION(pipe_read, 5, vmlinux) int five(int x) { return x + 5; }
                """);
        EditionUpdate linked = Editions.link(file, Kernel.withPipes().has("alias", PIPE_READ));
        assertThat(linked.functions()).singleElement().satisfies(function -> {
            assertThat(function.label()).isEqualTo("pipe_read");
            assertThat(function.editions())
                    .containsExactly(
                            new EditionUpdate.Edition(3, "three"),
                            new EditionUpdate.Edition(5, "five"),
                            new EditionUpdate.Edition(9, "nine"));
        });
        LoadedImage loaded = LoadedImage.of("x", linked.image());
        int codes = (int) (loaded.word(160 + 224) - loaded.address(".kmolt"));
        assertThat(List.of(loaded.word(codes + 8), loaded.word(codes + 24), loaded.word(codes + 40)))
                .containsExactly(3L, 5L, 9L);
        assertThat(loaded.elf().symbols()).noneMatch(s -> s.name().startsWith("kmolt_original."));
    }

    @Test
    void oneOfSeveralIsLabelledByItsPlace() throws Exception {
        EditionFile file = Editions.compile("KMOLT_EDITION(init_once, 1, vmlinux, 2) int f(int x) { return x; }");
        Kernel kernel = new Kernel()
                .has("init_once", 0xffff_ffff_8100_0200L)
                .has("init_once", 0xffff_ffff_8100_0100L)
                .has("init_once", 0xffff_ffff_c000_0000L, 't', "minix");
        EditionUpdate linked = Editions.link(file, kernel);
        assertThat(linked.functions().getFirst().label()).isEqualTo("init_once,2");
        assertThat(linked.functions().getFirst().address()).isEqualTo(0xffff_ffff_8100_0100L);
    }

    @Test
    void whereNoTypesAreKnownItSaysSo() {
        assertThat(update.notes())
                .containsExactly(
                        "counted_read: whether it has the prototype of pipe_read was not checked: nobody asked",
                        "counted_write: whether it has the prototype of pipe_write was not checked: nobody asked");
    }

    @Test
    void anotherKernelIsRefused() {
        Kernel other = Kernel.withPipes().runs(TinyModule.compile("kmolt", List.of(), """
                static const char vermagic[] __attribute__((section(".modinfo"), used, aligned(1))) =
                    "vermagic=6.1.0-55-amd64 SMP preempt mod_unload modversions ";
                int init_module(void) { return 0; }
                void cleanup_module(void) { }
                """));
        assertThatThrownBy(() -> Editions.link(pipes, other)).isInstanceOfSatisfying(EditionException.class, e -> {
            assertThat(e.kind()).isEqualTo(EditionException.Kind.REFUSED);
            assertThat(e).hasMessage("pipes is refused, for these 3 reasons:");
            assertThat(e.refusals().getFirst().reason())
                    .isEqualTo(
                            "it was built for another kernel (6.1.0-56-amd64 SMP preempt mod_unload modversions) than"
                                    + " the one that runs (6.1.0-55-amd64 SMP preempt mod_unload modversions);"
                                    + " build it with --kernel 6.1.0-55-amd64");
            assertThat(e.refusals().get(1).reason()).contains("has no kmolt_enroll_editions", "make core");
        });
    }

    private static LoadedImage image(EditionFile file, Kernel kernel) throws Exception {
        EditionUpdate linked = Editions.link(file, kernel);
        return LoadedImage.of(linked.module(), linked.image());
    }
}
