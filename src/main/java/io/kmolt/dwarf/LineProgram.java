package io.kmolt.dwarf;

import io.kmolt.dwarf.LineTable.Place;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * Runs line number programs, those of a whole {@code .debug_line}, one after the other.
 *
 * <p>Format: DWARF 5, section 6.2 ("Line Number Information"); versions 2 to 4 have the same opcodes and differ in their
 * headers.
 */
final class LineProgram {
    /** Takes a row of the table. */
    interface Rows {
        void note(Place place, int line, boolean end);
    }

    private static final int WIDE = 0xffffffff;

    private static final int COPY = 1;
    private static final int ADVANCE_PC = 2;
    private static final int ADVANCE_LINE = 3;
    private static final int CONST_ADD_PC = 8;
    private static final int FIXED_ADVANCE_PC = 9;

    private static final int END_SEQUENCE = 1;
    private static final int SET_ADDRESS = 2;

    private final ByteBuffer in;
    private final IntFunction<Optional<Place>> addresses;
    private final Rows rows;

    private Optional<Place> place = Optional.empty();
    private int line;

    /** @param addresses what the address that is written at an offset of the section means; empty if nobody knows */
    LineProgram(byte[] section, IntFunction<Optional<Place>> addresses, Rows rows) {
        this.in = ByteBuffer.wrap(section).order(ByteOrder.LITTLE_ENDIAN);
        this.addresses = addresses;
        this.rows = rows;
    }

    /** Runs all, up to the first that does not read as one. */
    void runAll() {
        try {
            boolean known = true;
            while (known && in.hasRemaining()) {
                known = runOne();
            }
        } catch (BufferUnderflowException | IllegalArgumentException _) {
            // cut off, or of lengths that lead out of it
        }
    }

    /** How a program's special opcodes count. */
    private record Header(int minimumLength, int lineBase, int lineRange, byte[] arguments) {
        int opcodeBase() {
            return arguments.length + 1;
        }
    }

    private boolean runOne() {
        int length = in.getInt();
        boolean wide = length == WIDE;
        int end = end(wide ? in.getLong() : Integer.toUnsignedLong(length));
        int version = in.getShort();
        if (version < 2 || version > 5) {
            return false;
        }
        if (version == 5) {
            in.get(); // size of an address
            in.get(); // size of a segment's selector
        }
        int program = end(wide ? in.getLong() : Integer.toUnsignedLong(in.getInt()));
        int minimumLength = in.get() & 0xff;
        if (version >= 4) {
            in.get(); // operations in an instruction: x86 has one
        }
        in.get(); // whether rows are statements to begin with
        int lineBase = in.get();
        int lineRange = in.get() & 0xff;
        byte[] arguments = new byte[Math.max(0, (in.get() & 0xff) - 1)];
        in.get(arguments);
        if (lineRange == 0) {
            return false;
        }
        in.position(program); // folders and files are between
        run(new Header(minimumLength, lineBase, lineRange, arguments), end);
        in.position(end);
        return true;
    }

    /** Where something of this length ends that begins here. */
    private int end(long length) {
        if (length < 0 || length > in.remaining()) {
            throw new IllegalArgumentException("leads out of the section");
        }
        return in.position() + (int) length;
    }

    private void run(Header header, int end) {
        reset();
        while (in.position() < end) {
            int opcode = in.get() & 0xff;
            if (opcode >= header.opcodeBase()) {
                int adjusted = opcode - header.opcodeBase();
                advance((long) (adjusted / header.lineRange()) * header.minimumLength());
                line += header.lineBase() + adjusted % header.lineRange();
                row(false);
            } else if (opcode == 0) {
                extended();
            } else {
                standard(opcode, header);
            }
        }
    }

    private void standard(int opcode, Header header) {
        switch (opcode) {
            case COPY -> row(false);
            case ADVANCE_PC -> advance(number() * header.minimumLength());
            case ADVANCE_LINE -> line += (int) signedNumber();
            case CONST_ADD_PC -> advance((255L - header.opcodeBase()) / header.lineRange() * header.minimumLength());
            case FIXED_ADVANCE_PC -> advance(in.getShort() & 0xffff);
            default -> {
                for (int i = 0; i < header.arguments()[opcode - 1]; i++) {
                    number();
                }
            }
        }
    }

    private void extended() {
        int next = end(number());
        int opcode = in.get();
        if (opcode == SET_ADDRESS) {
            place = addresses.apply(in.position());
        } else if (opcode == END_SEQUENCE) {
            row(true);
            reset();
        }
        in.position(next);
    }

    private void reset() {
        place = Optional.empty();
        line = 1;
    }

    private void advance(long bytes) {
        place = place.map(p -> p.advanced(bytes));
    }

    private void row(boolean end) {
        place.ifPresent(p -> rows.note(p, line, end));
    }

    /** ULEB128 (DWARF 5, section 7.6). */
    private long number() {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = in.get();
            value |= shift < Long.SIZE ? (next & 0x7fL) << shift : 0;
            if (next >= 0) {
                return value;
            }
        }
    }

    /** SLEB128. */
    private long signedNumber() {
        int start = in.position();
        long value = number();
        int bits = 7 * (in.position() - start);
        return bits < Long.SIZE ? value << (Long.SIZE - bits) >> (Long.SIZE - bits) : value;
    }
}
