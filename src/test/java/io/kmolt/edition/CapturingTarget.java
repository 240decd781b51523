package io.kmolt.edition;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmolt.swap.Progress;
import io.kmolt.swap.SwapGuest;
import io.kmolt.target.CommandResult;
import io.kmolt.target.Conversation;
import io.kmolt.target.Errno;
import io.kmolt.target.ModuleLoadException;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A target that keeps the modules it is told to load, and refuses them; all else reaches the target behind it. */
final class CapturingTarget implements Target {
    private final Target target;
    private String name = "";
    private byte[] image = {};

    private CapturingTarget(Target target) {
        this.target = target;
    }

    /** The update that a file would be loaded as. */
    static CapturingTarget captureEditions(Target target, Path file) {
        return capture(target, it -> LoadEditions.run(it, file, SwapGuest::image, Progress.NONE));
    }

    /** The dispatchers that routes would be put in force by: pairs of a label and a route. */
    static CapturingTarget captureRoutes(Target target, String... pairs) {
        return capture(target, it -> BusyGuest.route(it, pairs));
    }

    /** Something that loads a module. */
    private interface Load {
        void into(CapturingTarget target) throws Exception;
    }

    private static CapturingTarget capture(Target target, Load load) {
        CapturingTarget captured = new CapturingTarget(target);
        assertThatThrownBy(() -> load.into(captured)).isInstanceOf(EditionException.class);
        return captured;
    }

    /** The name of the last module. */
    String name() {
        return name;
    }

    /** The last module. */
    byte[] image() {
        return image.clone();
    }

    @Override
    public String insertModule(byte[] ko, String module, String params) throws TargetException {
        name = module;
        image = ko.clone();
        throw new ModuleLoadException(describe(), module, Errno.EPERM, "");
    }

    @Override
    public String describe() {
        return target.describe();
    }

    @Override
    public byte[] readFile(String path) throws TargetException {
        return target.readFile(path);
    }

    @Override
    public void writeFile(String path, byte[] content) throws TargetException {
        target.writeFile(path, content);
    }

    @Override
    public List<String> list(String folder) throws TargetException {
        return target.list(folder);
    }

    @Override
    public boolean exists(String path) throws TargetException {
        return target.exists(path);
    }

    @Override
    public void removeModule(String module) throws TargetException {
        target.removeModule(module);
    }

    @Override
    public CommandResult run(String script, Duration timeout) throws TargetException {
        return target.run(script, timeout);
    }

    @Override
    public Conversation open(String devicePath) throws TargetException {
        return target.open(devicePath);
    }

    /** The target behind it stays open. */
    @Override
    public void close() {}
}
