package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.btf.VmlinuxBtf;
import io.kmolt.edition.Editions.Kernel;
import io.kmolt.edition.Prototypes.Verdict;
import io.kmolt.elf.Corpus;
import io.kmolt.elf.ElfObject;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Prototypes of a distribution's kernel, and of editions that were compiled for it. */
class BtfPrototypesTest {
    private static EditionFile pipes;
    private static Prototypes known;

    @BeforeAll
    static void read(@TempDir Path folder) throws Exception {
        pipes = Editions.pipes(folder);
        ElfObject minix = ElfObject.read(Corpus.module(Corpus.BOOKWORM, "minix"));
        byte[] types = minix.content(minix.section(".BTF").orElseThrow());
        known = BtfPrototypes.read(
                pipes,
                KernelTypes.of(VmlinuxBtf.read(Corpus.image(Corpus.BOOKWORM)).file(), Map.of("minix", types)));
    }

    @Test
    void theExampleFitsItsFunctions() throws Exception {
        EditionUpdate update = Editions.link(pipes, Kernel.withPipes(), known);
        assertThat(update.notes()).isEmpty();
    }

    @Test
    void anEditionOfAnotherFunctionDoesNotFit() {
        assertThat(known.compare("counted_read", "minix_lookup", "minix")).isInstanceOf(Verdict.Different.class);
        assertThat(known.compare("counted_read", "pipe_write", "")).isInstanceOf(Verdict.Same.class);
    }

    @Test
    void whatCannotBeToldIsSaid() {
        assertThat(known.compare("counted_read", "pipe_read.isra.0", ""))
                .isEqualTo(
                        new Verdict.Unknown("the compiler changed how pipe_read.isra.0 is called; see how it does it"));
        assertThat(known.compare("counted_read", "fuse_read", "fuse"))
                .isEqualTo(new Verdict.Unknown("there is no type information of module fuse"));
        assertThat(known.compare("counted_read", "no_such_function", "")).isInstanceOf(Verdict.Unknown.class);
        assertThat(known.compare("no_such_edition", "pipe_read", "")).isInstanceOf(Verdict.Unknown.class);
    }
}
