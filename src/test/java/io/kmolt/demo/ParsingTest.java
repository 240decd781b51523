package io.kmolt.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmolt.demo.GuestBook.Greeting;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the demonstration reads from its guest: nothing wrong may pass for right. */
class ParsingTest {
    @Test
    void bothVersionsOfTheDeviceAreToldApart() {
        GuestBook book = GuestBook.parse("Hello, Ada 1\n!\nHello, Ada 2! You are guest 2.\n");
        assertThat(book.greetings()).extracting(Greeting::version).containsExactly(1, 2);
        assertThat(book.problem()).isEmpty();
    }

    @Test
    void aLostGreetingIsAProblem() {
        assertThat(GuestBook.parse("Hello, Ada 1\n!\nHello, Ada 3\n!\n").problem())
                .isEqualTo("greeting 2 is \"Hello, Ada 3\n!\"");
    }

    @Test
    void aRepeatedGreetingIsAProblem() {
        assertThat(GuestBook.parse("Hello, Ada 1\n!\nHello, Ada 1\n!\n").problem())
                .startsWith("greeting 2 is");
    }

    @Test
    void aCountThatBeginsAnewIsAProblem() {
        assertThat(GuestBook.parse("Hello, Ada 1\n!\nHello, Ada 2! You are guest 1.\n")
                        .problem())
                .isEqualTo("greeting 2 is \"Hello, Ada 2! You are guest 1.\"");
    }

    @Test
    void anythingElseIsAProblem() {
        GuestBook book = GuestBook.parse("Hello, Ada 1\n!\ncat: read error\n");
        assertThat(book.rest()).isEqualTo("cat: read error\n");
        assertThat(book.problem()).isEqualTo("after 1 greetings comes \"cat: read error\"");
    }

    @Test
    void hitsAndMissesOfAProbeAreExecutions() {
        assertThat(CallCount.parse("  base    0    0\n  edition    12    3\n"))
                .isEqualTo(Map.of("base", 0L, "edition", 15L));
    }

    @Test
    void aReportOfTheLoadIsRead() {
        assertThat(Load.parse("state=running elapsed=2 iterations=885 mismatches=0 errors=0 stalled=0"))
                .isEqualTo(new Load.Tally(885, 0, 0));
    }

    @Test
    void aReportThatCannotBeReadIsNoCleanOne() {
        assertThat(Load.parse("kmolt-load: cannot write")).isEqualTo(new Load.Tally(0, 1, 1));
    }
}
