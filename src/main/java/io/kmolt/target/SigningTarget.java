package io.kmolt.target;

import io.kmolt.sign.ModuleSignature;
import io.kmolt.sign.SignException;
import io.kmolt.sign.SigningKey;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A target whose modules are signed, on the machine that kmolt runs on, before they are loaded.
 *
 * @param target where
 * @param key what signs
 * @param hash as {@link ModuleSignature#sign} takes it
 */
public record SigningTarget(Target target, SigningKey key, String hash) implements Target {
    @Override
    public Optional<SigningKey> signer() {
        return Optional.of(key);
    }

    @Override
    public String insertModule(byte[] ko, String name, String params) throws TargetException {
        byte[] signed;
        try {
            signed = ModuleSignature.sign(ko, key, hash);
        } catch (SignException e) {
            throw new TargetException(name + " cannot be signed: " + e.getMessage(), e);
        }
        return target.insertModule(signed, name, params);
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
    public void removeModule(String name) throws TargetException {
        target.removeModule(name);
    }

    @Override
    public CommandResult run(String script, Duration timeout) throws TargetException {
        return target.run(script, timeout);
    }

    @Override
    public Conversation open(String devicePath) throws TargetException {
        return target.open(devicePath);
    }

    @Override
    public void close() {
        target.close();
    }
}
