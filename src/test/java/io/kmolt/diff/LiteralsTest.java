package io.kmolt.diff;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LiteralsTest {
    @ParameterizedTest
    @CsvSource({
        "fs/minix/inode.c, /build/fs/minix/inode.c",
        "inode.c, ./inode.c",
        "examples/v1/greeter.c:66, examples/v2/greeter.c:64",
        "include/linux/fs.h, include/linux/fs.h",
        "hello, hello"
    })
    void aPlaceInASourceIsTheSameWhereverTheSourceLiesAndWhicheverLineItIs(String old, String now) {
        assertThat(Literals.same(old, now)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "fs/minix/inode.c, fs/minix/dir.c",
        "inode.c, inode.c:1",
        "inode.c:1, inode.c:x",
        "greeter.c:66 is here, greeter.c:64 is here",
        "a/b, c/b",
        "hello, hallo"
    })
    void otherTextIsWhatItSays(String old, String now) {
        assertThat(Literals.same(old, now)).isFalse();
    }
}
