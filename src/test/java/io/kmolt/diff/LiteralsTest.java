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
        "field \"dst\" at include/net/neighbour.h:588, field \"dst\" at include/net/neighbour.h:592",
        "2 48 40 14 __wq_entry:142 128 128 8 line:133, 2 48 40 15 __wq_entry:1149 128 128 7 line:14",
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
        "field \"dst\" at include/net/neighbour.h:588, field \"src\" at include/net/neighbour.h:588",
        "a/b, c/b",
        "1 48 40 6 one:14, 1 48 40 6 two:14",
        "1 48 40 6 one:14, 1 48 44 6 one:14",
        "1 48 40 6 one:14, 2 48 40 6 one:14",
        "142 apples, 149 apples",
        "hello, hallo"
    })
    void otherTextIsWhatItSays(String old, String now) {
        assertThat(Literals.same(old, now)).isFalse();
    }
}
