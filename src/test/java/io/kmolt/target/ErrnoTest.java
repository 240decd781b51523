package io.kmolt.target;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrnoTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cat: /x: No such file or directory | ENOENT",
                "sh: 1: cannot open /x: No such file | ENOENT",
                "dash: 1: cannot create /no/a: Directory nonexistent | ENOENT",
                "sh: can't create /no/a: nonexistent directory | ENOENT",
                "cat: write error: Device or resource busy | EBUSY",
                "insmod: ERROR: could not insert module x.ko: Invalid module format | ENOEXEC",
                "insmod: can't insert 'x.ko': invalid module format | ENOEXEC",
                "insmod: ERROR: could not insert module x.ko: Unknown symbol in module, or unknown parameter (see dmesg)"
                        + " | ENOENT",
                "insmod: ERROR: could not insert module x.ko: File exists | EEXIST",
                "insmod: ERROR: could not insert module x.ko: Key was rejected by service | EKEYREJECTED",
                "rmmod: ERROR: Module ext4 is in use | EAGAIN",
                "rmmod: ERROR: Module nope is not currently loaded | ENOENT",
                "rmmod: can't unload module 'minix': Resource temporarily unavailable | EAGAIN",
                "something else entirely | UNKNOWN",
            })
    void aToolsMessageTellsTheError(String message, Errno expected) {
        assertThat(Errno.ofMessage(message)).isEqualTo(expected);
    }

    @Test
    void theLastLineDecides() {
        assertThat(Errno.ofMessage("warning: No space left on device\ncat: x: Permission denied\n"))
                .isEqualTo(Errno.EACCES);
    }

    @Test
    void numbersAndNamesAgreeWithTheKernels() {
        assertThat(Errno.of(16)).isEqualTo(Errno.EBUSY);
        assertThat(Errno.of(4095)).isEqualTo(Errno.UNKNOWN);
    }
}
