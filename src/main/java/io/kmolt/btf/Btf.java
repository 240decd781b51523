package io.kmolt.btf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The type information of a kernel or of a module, in BTF (the BPF type format).
 *
 * <p>Types are known by their ids, from 1 on; 0 is {@code void}. A module's BTF is <em>split</em>: it goes on where that
 * of its base ends, the vmlinux which the module was built for, and refers into it; with any other base its ids mean
 * other types. Everything is checked when it is read, and a type is decoded when it is asked for, so that reading the
 * 130,000 types of a kernel takes some tens of milliseconds. Unmodifiable, and safe to share between threads.
 *
 * <p>Format: the kernel's {@code Documentation/bpf/btf.rst} and {@code include/uapi/linux/btf.h}.
 */
public final class Btf {
    private static final long POINTER_SIZE = 8;

    private final BtfTable table;
    private final BtfGraph graph;
    private final @Nullable Btf base;
    private volatile @Nullable Index ownNames;

    private Btf(BtfTable table, BtfGraph graph, @Nullable Btf base) {
        this.table = table;
        this.graph = graph;
        this.base = base;
    }

    /**
     * Reads BTF that stands alone: a kernel's.
     *
     * @param name what to call it in messages
     * @param raw the contents of the {@code .BTF} section, or of {@code /sys/kernel/btf/vmlinux}
     * @throws BtfException if it is malformed
     */
    public static Btf parse(String name, byte[] raw) throws BtfException {
        BtfTable table = BtfTable.read(name, raw.clone(), null);
        return new Btf(table, BtfGraph.check(table, null), null);
    }

    /**
     * Reads split BTF: a module's.
     *
     * @param name what to call it in messages
     * @param raw the contents of the {@code .BTF} section, or of {@code /sys/kernel/btf/MODULE}
     * @param base the BTF of the kernel that the module was built for
     * @throws BtfException if it is malformed, or refers to what the base does not have
     */
    public static Btf parseSplit(String name, byte[] raw, Btf base) throws BtfException {
        BtfTable table = BtfTable.read(name, raw.clone(), base.table);
        return new Btf(table, BtfGraph.check(table, base.graph), base);
    }

    /** What it is called in messages. */
    public String name() {
        return table.name();
    }

    /** What it is split from. */
    public Optional<Btf> base() {
        return Optional.ofNullable(base);
    }

    /** The first id that is its own; lower ones are its base's. */
    public int firstOwnId() {
        return table.firstId();
    }

    /** The id after its last one. */
    public int endId() {
        return table.endId();
    }

    /** Whether the type is its own, and not its base's. */
    public boolean owns(int id) {
        return id >= table.firstId() && id < table.endId();
    }

    /** Whether both hold the same bytes, and so do their bases: then equal ids mean equal types. */
    public boolean sameAs(Btf other) {
        return table.sameBytes(other.table);
    }

    /**
     * Decodes a type.
     *
     * @param id an id from one of its records
     * @throws IllegalArgumentException if there is no such id, which no record has
     */
    public BtfType type(int id) {
        return BtfDecoder.decode(table, checked(id));
    }

    /** The kind of a type, without decoding it. */
    public BtfKind kind(int id) {
        return table.kind(checked(id));
    }

    /** The name of a type, without decoding it; {@code ""} if it has none. */
    public String nameOf(int id) {
        return table.nameOf(checked(id));
    }

    /** The ids of all own types of that name, of whatever kind, in ascending order. */
    public List<Integer> ownIds(String name) {
        return index().ids(name);
    }

    /** The ids of all types of that name, of whatever kind, its own first, then its base's. */
    public List<Integer> ids(String name) {
        if (base == null) {
            return ownIds(name);
        }
        List<Integer> all = new ArrayList<>(ownIds(name));
        all.addAll(base.ids(name));
        return all;
    }

    /** The type without its qualifiers: const, volatile, restrict and type tags. */
    public int unqualified(int id) {
        int inner = checked(id);
        while (table.kind(inner).isQualifier()) {
            inner = table.word(inner, 2);
        }
        return inner;
    }

    /** The type without qualifiers and typedefs. */
    public int resolved(int id) {
        int inner = checked(id);
        while (table.kind(inner).isQualifier() || table.kind(inner) == BtfKind.TYPEDEF) {
            inner = table.word(inner, 2);
        }
        return inner;
    }

    /** The size of a type in bytes; 0 for one that has none, and capped at {@link Long#MAX_VALUE}. */
    public long sizeOf(int id) {
        int inner = resolved(id);
        return switch (table.kind(inner)) {
            case INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC -> Integer.toUnsignedLong(table.word(inner, 2));
            case PTR -> POINTER_SIZE;
            case ARRAY -> {
                long element = sizeOf(table.word(inner, 3));
                long count = Integer.toUnsignedLong(table.word(inner, 5));
                boolean fits = Math.multiplyHigh(element, count) == 0 && element * count >= 0;
                yield fits ? element * count : Long.MAX_VALUE;
            }
            case VAR -> sizeOf(table.word(inner, 2));
            default -> 0;
        };
    }

    @Override
    public String toString() {
        return "Btf[%s: types %d to %d]".formatted(name(), firstOwnId(), endId() - 1);
    }

    private int checked(int id) {
        if (id < 0 || id >= table.endId()) {
            throw new IllegalArgumentException("%s: there is no type %d".formatted(name(), id));
        }
        return id;
    }

    /** Made on first use: most readers look at few names of a kernel's 70,000. Two threads may both make it. */
    private Index index() {
        Index index = ownNames;
        if (index == null) {
            index = new Index(table);
            ownNames = index;
        }
        return index;
    }

    /** Own types by name. Those of one name are chained, so that a million of them cost no more than a million names. */
    private static final class Index {
        private final int firstId;
        private final Map<String, Integer> first = new HashMap<>();
        private final int[] next;

        Index(BtfTable table) {
            firstId = table.firstId();
            next = new int[table.endId() - firstId];
            for (int id = table.endId() - 1; id >= firstId; id--) {
                if (table.word(id, 0) != 0) {
                    Integer later = first.put(table.nameOf(id), id);
                    next[id - firstId] = later == null ? 0 : later;
                }
            }
        }

        List<Integer> ids(String name) {
            List<Integer> ids = new ArrayList<>(1);
            for (int id = first.getOrDefault(name, 0); id != 0; id = next[id - firstId]) {
                ids.add(id);
            }
            return ids;
        }
    }
}
