package io.kmolt.btf;

import static io.kmolt.btf.BtfWriter.m;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which members lead to something that types do not tell of. */
class OpaqueMembersTest {

    @Test
    void whatPointsToNothingKnownIsFoundAndNothingElse() throws BtfException {
        BtfWriter w = new BtfWriter();
        int number = w.intType();
        int known = w.struct("known", 4, m("number", number, 0));
        int nameless = w.struct("", 16, m("number", number, 0), m("secret", w.ptr(0), 8));
        int pair = w.struct("", 8, m("cookie", w.ptr(0), 0));
        w.typedef("pair_t", pair);
        w.struct(
                "holder",
                80,
                m("number", number, 0),
                m("private", w.ptr(0), 8),
                m("known", w.ptr(known), 16),
                m("declared", w.ptr(w.fwd("elsewhere", false)), 24),
                m("slots", w.array(w.ptr(0), 2), 32),
                m("indirect", w.ptr(w.ptr(0)), 48),
                m("in", nameless, 56),
                m("call", w.ptr(w.proto(number, number)), 72));
        assertThat(OpaqueMembers.of(w.read("test")))
                .containsExactly(
                        "struct holder: declared",
                        "struct holder: in.secret",
                        "struct holder: indirect",
                        "struct holder: private",
                        "struct holder: slots[]",
                        "typedef pair_t: cookie");
    }

    @Test
    void aTypedefIsNoSecondName() throws BtfException {
        BtfWriter w = new BtfWriter();
        w.intType();
        w.typedef("holder_t", w.struct("holder", 8, m("private", w.ptr(0), 0)));
        assertThat(OpaqueMembers.of(w.read("test"))).containsExactly("struct holder: private");
    }
}
