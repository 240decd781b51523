package io.kmolt.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A guest's QEMU, from outside of the guest: QMP, a line of JSON for each command, answer and event. */
public final class Monitor implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final SocketChannel socket;
    private final BufferedReader answers;
    private final OutputStream commands;

    private Monitor(SocketChannel socket) {
        this.socket = socket;
        this.answers =
                new BufferedReader(new InputStreamReader(Channels.newInputStream(socket), StandardCharsets.UTF_8));
        this.commands = Channels.newOutputStream(socket);
    }

    public static Monitor of(Guest guest) throws IOException {
        Monitor monitor = new Monitor(guest.openPort(QemuCommand.MONITOR));
        monitor.answers.readLine(); // who it is
        monitor.execute("qmp_capabilities");
        return monitor;
    }

    public JsonNode execute(String command) throws IOException {
        return execute(command, Map.of());
    }

    /** Does it, and gives what it returns. */
    public JsonNode execute(String command, Map<String, Object> arguments) throws IOException {
        String line = JSON.writeValueAsString(Map.of("execute", command, "arguments", arguments)) + "\n";
        commands.write(line.getBytes(StandardCharsets.UTF_8));
        for (String answer = answers.readLine(); answer != null; answer = answers.readLine()) {
            JsonNode node = JSON.readTree(answer);
            if (node.has("error")) {
                throw new IOException(command + ": " + node.get("error"));
            }
            if (node.has("return")) {
                return node.get("return");
            }
        }
        throw new IOException(command + ": QEMU is gone");
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
