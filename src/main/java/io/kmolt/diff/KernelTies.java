package io.kmolt.diff;

import io.kmolt.module.Item;
import io.kmolt.module.KernelModule;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What ties a build to the kernel that it was made for and says nothing about its sources: the kernel's release within
 * texts ({@code UTS_RELEASE}), and the numbers that the kernel's types and functions have in its BTF ({@code .BTF_ids},
 * which {@code resolve_btfids} fills in and sorts). Between builds for one kernel both count; between builds for two
 * kernels neither does.
 */
final class KernelTies {
    private static final String TYPE_IDS = ".BTF_ids";
    private static final char RELEASE = '\1';

    private final KernelModule oldModule;
    private final String oldRelease;
    private final String newRelease;
    private final boolean two;

    KernelTies(KernelModule oldModule, KernelModule newModule) {
        this.oldModule = oldModule;
        this.oldRelease = release(oldModule);
        this.newRelease = release(newModule);
        this.two = !oldRelease.isEmpty() && !newRelease.isEmpty() && !oldRelease.equals(newRelease);
    }

    private static String release(KernelModule module) {
        return module.info("vermagic").split(" ", 2)[0];
    }

    /**
     * Whether the new build's code would look up types by numbers that they have in another kernel: such lists come along
     * with it.
     */
    boolean bringsIdsOfAnotherKernel(KernelModule newModule) {
        return two && newModule.elf().section(TYPE_IDS).isPresent() && !Arrays.equals(ids(oldModule), ids(newModule));
    }

    private static byte[] ids(KernelModule module) {
        return module.elf()
                .section(TYPE_IDS)
                .map(section -> module.content(section.index()))
                .orElse(new byte[0]);
    }

    /** A text of a module, with the same sign wherever it says the kernel's release. */
    String text(KernelModule module, String text) {
        String meaning = Literals.meaning(text);
        return two ? meaning.replace(releaseOf(module), String.valueOf(RELEASE)) : meaning;
    }

    private String releaseOf(KernelModule module) {
        return module == oldModule ? oldRelease : newRelease;
    }

    /** The bytes of a piece of data, which is changed, without what ties them to a kernel. */
    byte[] untied(KernelModule module, int section, byte[] bytes) {
        if (!two) {
            return bytes;
        }
        if (module.elf().sections().get(section).name().equals(TYPE_IDS)) {
            Arrays.fill(bytes, (byte) 0);
            return bytes;
        }
        byte[] release = releaseOf(module).getBytes(StandardCharsets.ISO_8859_1);
        for (int at = 0; at + release.length <= bytes.length; at++) {
            if (bytes[at] == release[0] && Arrays.equals(bytes, at, at + release.length, release, 0, release.length)) {
                Arrays.fill(bytes, at, at + release.length, (byte) RELEASE);
            }
        }
        return bytes;
    }

    /** The bytes of an object without what ties them to a kernel. */
    byte[] untied(KernelModule module, Item object) {
        byte[] content = module.content(object.section());
        return untied(module, object.section(), Arrays.copyOfRange(content, (int) object.offset(), (int) object.end()));
    }
}
