package io.kmolt;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The packages are layers: each uses only what stands before it in this list. */
class LayersTest {
    private static final List<String> LAYERS = List.of(
            "elf", "x86", "dwarf", "btf", "module", "diff", "link", "route", "sign", "target", "swap", "edition",
            "plan", "lab", "kernels", "demo", "cli");

    private static final JavaClasses KMOLT = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.kmolt");

    private static String packages(String layer) {
        return "io.kmolt." + layer + "..";
    }

    static List<String> layersWithOthersAbove() {
        return LAYERS.subList(0, LAYERS.size() - 1);
    }

    @ParameterizedTest
    @MethodSource("layersWithOthersAbove")
    void usesOnlyWhatStandsBeforeIt(String layer) {
        String[] later = LAYERS.stream()
                .skip(LAYERS.indexOf(layer) + 1L)
                .map(LayersTest::packages)
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(packages(layer))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(later)
                .allowEmptyShould(true) // a package may have no classes yet
                .check(KMOLT);
    }

    @Test
    void everyClassIsInALayer() {
        classes()
                .should()
                .resideInAnyPackage(LAYERS.stream().map(LayersTest::packages).toArray(String[]::new))
                .check(KMOLT);
    }

    /** A rule over no classes holds: the import must have found the program. */
    @Test
    void theLayersAreThoseOfTheProgram() {
        assertThat(LAYERS).contains("elf", "cli").doesNotHaveDuplicates();
        assertThat(KMOLT.stream().map(JavaClass::getPackageName).distinct())
                .contains("io.kmolt.elf", "io.kmolt.x86", "io.kmolt.cli");
    }
}
