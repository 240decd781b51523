package io.kmolt.btf;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two neighbouring kernels of the distribution, all symbol CRCs of which agree: so must all types. */
@Tag("corpus")
class BtfCorpusTest {
    private static Btf oldKernel = empty();
    private static Btf newKernel = empty();

    @BeforeAll
    static void readKernels() throws Exception {
        oldKernel = VmlinuxBtf.read(Corpus.image(Corpus.BOOKWORM_BEFORE)).types();
        newKernel = VmlinuxBtf.read(Corpus.image(Corpus.BOOKWORM)).types();
    }

    @Test
    void aKernelIsReadInWellUnderASecond() throws Exception {
        byte[] raw = Files.readAllBytes(
                VmlinuxBtf.read(Corpus.image(Corpus.BOOKWORM)).file());
        Assertions.assertTimeout(Duration.ofSeconds(1), () -> Btf.parse("vmlinux", raw));
        assertThat(newKernel.endId()).isGreaterThan(100_000);
    }

    @Test
    void everyTypeOfAKernelDecodes() {
        Map<BtfKind, Integer> kinds = new TreeMap<>();
        for (int id = 0; id < newKernel.endId(); id++) {
            kinds.merge(newKernel.type(id).kind(), 1, Integer::sum);
            assertThat(TypeText.of(newKernel, id)).isNotNull();
        }
        assertThat(kinds).containsKeys(BtfKind.FUNC, BtfKind.ENUM64, BtfKind.DATASEC, BtfKind.FWD);
    }

    @Test
    void knowsTheTypesOfAKernel() {
        List<Integer> ids = newKernel.ids("list_head");
        assertThat(ids.stream().map(newKernel::type))
                .singleElement()
                .isInstanceOfSatisfying(BtfType.Composite.class, type -> {
                    assertThat(type.size()).isEqualTo(16);
                    assertThat(type.members()).extracting(BtfType.Member::name).containsExactly("next", "prev");
                });
        assertThat(FunctionPrototypes.prototype(newKernel, "vfs_read").map(Prototype::toString))
                .contains("ssize_t vfs_read(struct file *, char *, size_t, loff_t *)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "jbd2", "minix"})
    void prototypesOfAFileSystemAgree(String name) throws Exception {
        Btf old = read(Corpus.module(Corpus.BOOKWORM_BEFORE, name), oldKernel);
        Btf now = read(Corpus.module(Corpus.BOOKWORM, name), newKernel);
        Set<String> functions = functions(old);
        assertThat(functions(now)).isEqualTo(functions);
        for (String function : functions) {
            if (FunctionPrototypes.prototypes(old, function).size() == 1) {
                assertThat(FunctionPrototypes.incompatibility(old, function, now, function))
                        .isEmpty();
            }
        }
        assertThat(functions).hasSizeGreaterThan(20);
    }

    @Test
    void namesakesAreToldApart() throws Exception {
        // fs/minix/itree_common.c is compiled twice, for blocks of 16 and of 32 bits.
        Btf minix = read(Corpus.module(Corpus.BOOKWORM, "minix"), newKernel);
        assertThat(FunctionPrototypes.prototypes(minix, "free_branches"))
                .extracting(Prototype::toString)
                .containsExactlyInAnyOrder(
                        "void free_branches(struct inode *, block_t *, block_t *, int)",
                        "void free_branches(struct inode *, block_t *, block_t *, int)");
        assertThat(FunctionPrototypes.incompatibility(minix, "free_branches", minix, "free_branches")
                        .orElseThrow())
                .endsWith("has several functions free_branches that differ");
    }

    @Test
    void functionsThatTheKernelHasJustSoAreFoundThere() throws Exception {
        Btf minix = read(Corpus.module(Corpus.BOOKWORM, "minix"), newKernel);
        assertThat(minix.ownIds("init_once")).isEmpty();
        assertThat(FunctionPrototypes.prototype(minix, "init_once").map(Prototype::toString))
                .contains("void init_once(void *)");
    }

    @Test
    void noTypeOfAnyModuleDiffers() {
        Queue<String> found = new ConcurrentLinkedQueue<>();
        AtomicInteger compared = new AtomicInteger();
        Path oldRoot = modulesFolder(Corpus.BOOKWORM_BEFORE);
        Path newRoot = modulesFolder(Corpus.BOOKWORM);
        Assertions.assertTimeout(
                Duration.ofMinutes(3),
                () -> Corpus.modules(Corpus.BOOKWORM_BEFORE).parallelStream().forEach(path -> {
                    Path other = newRoot.resolve(oldRoot.relativize(path));
                    if (Files.exists(other)) {
                        differences(path, other).forEach(found::add);
                        compared.incrementAndGet();
                    }
                }));
        assertThat(found).isEmpty();
        assertThat(compared).hasValueGreaterThan(4_000);
    }

    private static Set<String> functions(Btf btf) {
        Set<String> names = new TreeSet<>();
        for (int id = btf.firstOwnId(); id < btf.endId(); id++) {
            if (btf.kind(id) == BtfKind.FUNC) {
                names.add(btf.nameOf(id));
            }
        }
        return names;
    }

    private static List<String> differences(Path old, Path now) {
        try {
            Btf one = read(old, oldKernel);
            Btf other = read(now, newKernel);
            return Stream.of(
                            LayoutDiff.compare(one, other, Scope.owned()).stream()
                                    .map(LayoutDifference::describe),
                            LayoutDiff.onlyIn(one, other).stream(),
                            LayoutDiff.onlyIn(other, one).stream())
                    .flatMap(lines -> lines)
                    .map(line -> old.getFileName() + ": " + line)
                    .toList();
        } catch (Exception e) {
            return List.of(e.toString());
        }
    }

    private static Btf read(Path module, Btf base) throws Exception {
        return ModuleBtf.of(ElfObject.read(module), base).orElseThrow();
    }

    private static Path modulesFolder(String version) {
        Path module = Corpus.module(version, "minix");
        return module.getRoot().resolve(module.subpath(0, module.getNameCount() - 4));
    }

    private static Btf empty() {
        try {
            return new BtfWriter().read("none");
        } catch (BtfException e) {
            throw new AssertionError(e);
        }
    }
}
