package io.kmolt.target;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Processes as tests look at them. */
public final class Processes {
    private Processes() {}

    /** Waits a few seconds for a process's end; one that its new parent has not collected yet has ended too. */
    public static boolean ended(long pid) throws IOException {
        for (int i = 0; i < 100; i++) {
            Path stat = Path.of("/proc/" + pid + "/stat");
            try {
                String text = Files.readString(stat);
                if (text.substring(text.lastIndexOf(')')).startsWith(") Z")) {
                    return true;
                }
                Thread.sleep(50);
            } catch (java.nio.file.NoSuchFileException e) {
                return true;
            } catch (IOException e) {
                if (!Files.exists(stat)) {
                    return true; // it ended while being read
                }
                throw e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return false;
    }
}
