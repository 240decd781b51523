package io.kmolt.lab;

import java.io.IOException;

/** Ends a guest when this process is interrupted (Ctrl-C), so that its folder goes as well; for use until closed. */
public final class ExitHook implements AutoCloseable {
    private final Thread hook;
    private volatile boolean interrupted;

    public ExitHook(Guest guest) {
        hook = new Thread(() -> {
            interrupted = true;
            stopQuietly(guest);
        });
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private static void stopQuietly(Guest guest) {
        try {
            guest.stop();
        } catch (IOException e) {
            // The process is ending; there is nobody to tell.
        }
    }

    /** Whether it was this that ended the guest. */
    public boolean interrupted() {
        return interrupted;
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // Shutting down: the hook is running.
        }
    }
}
