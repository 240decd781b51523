package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.diff.Refusal;
import io.kmolt.edition.RoutesImage.Places;
import io.kmolt.edition.RoutesImage.Reference;
import io.kmolt.edition.RoutesImage.Route;
import io.kmolt.edition.RoutesImage.Target;
import io.kmolt.edition.RoutesImage.Unwind;
import io.kmolt.edition.RoutesImage.Width;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSymbol;
import io.kmolt.elf.ModVersion;
import io.kmolt.link.Descriptor;
import io.kmolt.link.SimulatedKernel;
import io.kmolt.module.TinyModule;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dispatchers that were written by hand become a module. */
class RoutesModuleTest {
    private static final long EDITION = 0xffff_ffff_c012_3450L;
    private static final long OLD = 0xffff_ffff_c022_0000L;
    private static final long MARKER = 0xffff_ffff_c012_4000L;
    private static final long FUNCTION = 0xffff_ffff_8135_b000L;

    /** One dispatcher that goes to an edition always, padded to 16 bytes a part. */
    private static final byte[] CODE = HexFormat.of()
            .parseHex(
                    ("4883c408 e900000000 cccccccccccccc" // add $8,%rsp; jmp edition
                                    + "4981fa00000000 74e7 ebe5 cccccccccc" // cmp $marker,%r10; je; jmp
                                    + "833d0000000000 0f8500000000 cccccc" // cmpl $0,go; jne
                                    + "e900000000 e900000000 cccccccccccc") // jmp old; jmp __x86_return_thunk
                            .replace(" ", ""));

    private static final RoutesImage ROUTES = routes("pipes", "uid == 1000 -> 1");
    private static ElfObject template;
    private static LoadedImage image;

    private static RoutesImage routes(String name, String text) {
        return new RoutesImage(
                name,
                7,
                Editions.BOOT_ID,
                "kmolt_pipes_r6",
                CODE,
                List.of(
                        new Reference(5, Width.RELATIVE, new Target.Absolute(EDITION), -4),
                        new Reference(19, Width.SIGNED, new Target.Absolute(MARKER), 0),
                        new Reference(34, Width.RELATIVE, new Target.Go(), -5),
                        new Reference(49, Width.RELATIVE, new Target.Absolute(OLD), -4),
                        new Reference(54, Width.RELATIVE, new Target.Import("__x86_return_thunk"), -4)),
                List.of(
                        new Route("pipe_write", FUNCTION, false, text, Optional.of(new Places(0, 16, 32, 48))),
                        new Route("pipe_read", FUNCTION + 0x100, true, "", Optional.empty())),
                List.of(53),
                List.of(
                        new Unwind(0, OptionalInt.of(16)),
                        new Unwind(4, OptionalInt.of(8)),
                        new Unwind(9, OptionalInt.empty()),
                        new Unwind(16, OptionalInt.of(16))));
    }

    @BeforeAll
    static void link(@TempDir Path folder) throws Exception {
        Path source = Path.of(System.getProperty("kmolt.home"), "kernel", "routes", "kmolt_routes.c");
        Path out = folder.resolve("kmolt_routes.ko");
        var built = EditionBuilder.ofHome().build(source, Corpus.headers(Corpus.BOOKWORM), out);
        assertThat(built.messages()).isEmpty();
        template = ElfObject.read(out);
        RoutesModule.Linked linked = RoutesModule.link(ROUTES, template, Editions.CORE);
        assertThat(linked.module()).isEqualTo("kmolt_pipes_r7");
        image = LoadedImage.of(linked.module(), linked.image());
    }

    @Test
    void itIsSound() throws Exception {
        image.isSound();
    }

    @Test
    void itIsAnotherModule() {
        assertThat(image.moduleName()).isEqualTo("kmolt_pipes_r7");
        assertThat(image.elf().modinfo("name")).contains("kmolt_pipes_r7");
        assertThat(image.elf().modinfo("license")).contains("GPL");
        assertThat(image.elf().symbolVersions())
                .contains(
                        new ModVersion("kmolt_enroll_routes", 0x33333333),
                        new ModVersion("kmolt_withdraw_routes", 0x44444444));
        assertThat(image.disassemble(image.atModuleField("init_module", Editions.CORE), 4))
                .containsExactly(
                        "endbr64", "lea .kmolt+0", "lea .gnu.linkonce.this_module+0", "jmp kmolt_enroll_routes");
        assertThat(image.disassemble(image.atModuleField("cleanup_module", Editions.CORE), 3))
                .containsExactly("endbr64", "lea .kmolt+0", "jmp kmolt_withdraw_routes");
    }

    @Test
    void theDescriptorHasARouteForEachFunction() {
        assertThat(image.word(0)).isEqualTo(0x0a52746c6f6d6bL);
        assertThat(image.word(8)).isEqualTo(Descriptor.ABI | 232L << 32);
        assertThat(image.text(16)).isEqualTo(Editions.BOOT_ID);
        assertThat(image.text(80)).isEqualTo("pipes");
        assertThat(image.text(144)).isEqualTo("kmolt_pipes_r6");
        assertThat(image.word(208)).isEqualTo(image.address(".kmolt.data"));
        assertThat(image.word(216)).isEqualTo(image.address(".kmolt") + 232);
        assertThat(image.word(224)).isEqualTo(2);
        long code = image.address(".text.kmolt");
        assertThat(List.of(image.word(232), image.word(240))).containsExactly(FUNCTION, 0L);
        assertThat(List.of(image.word(248), image.word(256), image.word(264), image.word(272)))
                .containsExactly(code, code + 16, code + 32, code + 48);
        assertThat(image.text(280)).isEqualTo("uid == 1000 -> 1");
        int second = 232 + 304;
        assertThat(List.of(image.word(second), image.word(second + 8), image.word(second + 16)))
                .containsExactly(FUNCTION + 0x100, 1L, 0L);
    }

    @Test
    void theCodeLeadsWhereItShould() {
        long code = image.address(".text.kmolt");
        assertThat(code % 64).isZero();
        assertThat(image.disassemble(code, 2)).containsExactly("add", "jmp %x".formatted(EDITION));
        assertThat(image.disassemble(code + 16, 1)).containsExactly("cmp %x".formatted(MARKER));
        assertThat(image.disassemble(code + 32, 1)).containsExactly("cmp .kmolt.data+0");
        assertThat(image.disassemble(code + 48, 2)).containsExactly("jmp %x".formatted(OLD), "jmp __x86_return_thunk");
        assertThat(image.bytes(image.address(".kmolt.data"), 4)).containsOnly(0);
    }

    @Test
    void tracesOfTheStackNameTheDispatchers() {
        ElfSymbol first = image.symbol("pipe_write.dispatch_first");
        assertThat(first.isFunction()).isTrue();
        assertThat(first.value()).isEqualTo(32);
        assertThat(first.size()).isEqualTo(16);
        assertThat(image.symbol("pipe_write.dispatch").size()).isEqualTo(16);
    }

    @Test
    void theKernelIsToldOfReturnsAndStacks() {
        int sites = image.elf().section(".return_sites").orElseThrow().index();
        int before = template.relocations(
                        template.section(".return_sites").orElseThrow().index())
                .size();
        var added = image.elf().relocations(sites).get(before);
        assertThat(image.elf().relocations(sites)).hasSize(before + 1);
        assertThat(SimulatedKernel.leadsTo(image.elf(), image.sections(), added))
                .isEqualTo(image.address(".text.kmolt") + 53);

        byte[] orc = image.elf().content(image.elf().section(".orc_unwind").orElseThrow());
        long code = image.address(".text.kmolt");
        long stubs = image.address(".text.kmolt_stubs");
        long stubsEnd =
                stubs + image.elf().section(".text.kmolt_stubs").orElseThrow().size();
        assertThat(image.orcPlaces())
                .endsWith(code, code + 4, code + 9, code + 16, code + CODE.length, stubs, stubsEnd);
        assertThat(orc)
                .endsWith(HexFormat.of()
                        .parseHex("100000000500" + "080000000500" + "000000000000" + "100000000500" + "000000000000"
                                + "080000000500" + "000000000000"));
    }

    @Test
    void aFieldThatTheLoaderCouldNotFillIsADefect() {
        RoutesImage wrong = new RoutesImage(
                "pipes",
                1,
                Editions.BOOT_ID,
                "",
                CODE,
                List.of(new Reference(0, Width.RELATIVE, new Target.Go(), -4)),
                List.of(),
                List.of(),
                List.of());
        assertThatThrownBy(() -> RoutesModule.link(wrong, template, Editions.CORE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is not 0");
    }

    @Test
    void aKernelWithoutATemplateIsNamed() {
        assertThatThrownBy(() -> RoutesModule.template("0.0.1"))
                .isInstanceOf(EditionException.class)
                .hasMessageContaining("0.0.1/kmolt_routes.ko; build it: make core KERNELS=0.0.1");
    }

    @Test
    void allTextsMustFit() {
        assertThat(refusals(routes("pipes", "x".repeat(256)), template))
                .containsExactly("pipe_write: its route is longer than the 255 bytes that a route may have");
        assertThat(refusals(routes("p".repeat(47), ""), template))
                .containsExactly("kmolt_" + "p".repeat(47) + "_r7: it is too long for the name of a module");
    }

    @Test
    void templateAndCoreMustBeOfOneKernel() throws Exception {
        ElfObject other = ElfObject.parse("kmolt_routes.ko", TinyModule.build("kmolt_routes", List.of(), ""));
        assertThat(refusals(ROUTES, other))
                .singleElement()
                .asString()
                .contains("was built for another kernel () than the core (6.1.0-56-amd64 SMP", "make core");
    }

    @Test
    void withoutUnwindDataAndReturnSitesTheseAreAdded() throws Exception {
        ElfObject bare = ElfObject.parse("kmolt_routes.ko", TinyModule.build("kmolt_routes", List.of(), """
                static const char vermagic[] __attribute__((section(".modinfo"), used, aligned(1))) =
                    "vermagic=6.1.0-56-amd64 SMP preempt mod_unload modversions ";
                """));
        LoadedImage linked = LoadedImage.of(
                "x", RoutesModule.link(ROUTES, bare, Editions.CORE).image());
        for (String section : List.of(".orc_unwind", ".orc_unwind_ip", ".return_sites")) {
            assertThat(linked.elf().section(section).orElseThrow().isAlloc())
                    .as(section)
                    .isTrue();
        }
        assertThat(linked.orcPlaces()).hasSize(7);
    }

    private static List<String> refusals(RoutesImage routes, ElfObject from) {
        try {
            RoutesModule.link(routes, from, Editions.CORE);
            throw new AssertionError("not refused");
        } catch (EditionException e) {
            return e.refusals().stream().map(Refusal::toString).toList();
        } catch (ElfException e) {
            throw new AssertionError(e);
        }
    }
}
