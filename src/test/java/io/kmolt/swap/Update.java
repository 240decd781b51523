package io.kmolt.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * An update for a module as it is loaded now, linked and not loaded.
 *
 * @param name of its module
 * @param image its file
 */
record Update(String name, byte[] image) {
    /**
     * Links one.
     *
     * @param folder for its file
     */
    static Update link(SwapGuest guest, String module, Path build, Path folder) throws Exception {
        return link(guest, module, build, folder, SwapGuest.options());
    }

    static Update link(SwapGuest guest, String module, Path build, Path folder, SwapOptions options) throws Exception {
        Path file = folder.resolve("update.ko");
        SwapOptions dry = options.withDryRun(true).withSaveUpdate(Optional.of(file));
        String before = guest.current(module);
        SwapReport report = Swap.run(guest.target(), module, build, dry, Progress.NONE);
        assertThat(report.dryRun()).isTrue();
        assertThat(guest.current(module)).isEqualTo(before);
        return new Update(report.edition(), Files.readAllBytes(file));
    }
}
