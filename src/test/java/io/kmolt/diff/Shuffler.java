package io.kmolt.diff;

import io.kmolt.elf.ElfEditor;
import io.kmolt.elf.ElfException;
import io.kmolt.elf.ElfObject;
import io.kmolt.elf.ElfSection;
import io.kmolt.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Writes a module's file in another form that means the same: section headers and symbols in another order, and other
 * numbers behind the names of static variables.
 */
final class Shuffler {
    private static final Pattern NUMBERED = Pattern.compile("(.+\\.|__UNIQUE_ID_[A-Za-z_]+?)(\\d+)");
    private static final int HEADER = 64;
    private static final int SYMBOL = 24;
    private static final int RELA = 24;

    private final ElfObject elf;
    private final ByteBuffer file;
    private final int[] sections;

    /**
     * The result.
     *
     * @param file the file
     * @param sections for each section of the original, its index now
     */
    record Shuffled(byte[] file, int[] sections) {}

    private Shuffler(ElfObject elf, Random random) {
        this.elf = elf;
        this.file = ByteBuffer.wrap(elf.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        this.sections = permutation(1, elf.sections().size(), elf.sections().size(), random);
    }

    static Shuffled shuffle(ElfObject original, Random random) throws ElfException {
        ElfObject elf = ElfObject.parse(original.name(), renumbered(original, random));
        Shuffler shuffler = new Shuffler(elf, random);
        shuffler.permuteSymbols(random);
        shuffler.permuteSections();
        return new Shuffled(shuffler.file.array(), shuffler.sections);
    }

    /** The numbers from 0 to {@code size}, those in the range in any order. */
    private static int[] permutation(int from, int to, int size, Random random) {
        List<Integer> range = new ArrayList<>(IntStream.range(from, to).boxed().toList());
        Collections.shuffle(range, random);
        int[] permutation = IntStream.range(0, size).toArray();
        for (int i = from; i < to; i++) {
            permutation[i] = range.get(i - from);
        }
        return permutation;
    }

    private static byte[] renumbered(ElfObject elf, Random random) throws ElfException {
        Map<String, List<ElfSymbol>> byStem = new HashMap<>();
        for (ElfSymbol symbol : elf.symbols()) {
            Matcher numbered = NUMBERED.matcher(symbol.name());
            if (symbol.isObject() && symbol.isLocal() && numbered.matches()) {
                byStem.computeIfAbsent(numbered.group(1), s -> new ArrayList<>())
                        .add(symbol);
            }
        }
        ElfEditor editor = new ElfEditor(elf);
        byStem.forEach((stem, symbols) -> {
            int first = random.nextInt(1000);
            List<Integer> numbers = new ArrayList<>(
                    IntStream.range(first, first + symbols.size()).boxed().toList());
            Collections.shuffle(numbers, random);
            for (int i = 0; i < symbols.size(); i++) {
                editor.setSymbol(symbols.get(i).index(), symbols.get(i).withName(stem + numbers.get(i)));
            }
        });
        return editor.build();
    }

    private void permuteSymbols(Random random) {
        ElfSection table = elf.symbolTable().orElseThrow();
        int count = elf.symbols().size();
        int locals = table.info();
        int[] local = permutation(1, locals, count, random);
        int[] global = permutation(locals, count, count, random);
        byte[] before = elf.content(table);
        for (int i = 1; i < count; i++) {
            int to = i < locals ? local[i] : global[i];
            file.put((int) table.offset() + to * SYMBOL, before, i * SYMBOL, SYMBOL);
            ElfSymbol symbol = elf.symbols().get(i);
            if (symbol.isDefined()) {
                file.putShort((int) table.offset() + to * SYMBOL + 6, (short) sections[symbol.shndx()]);
            }
        }
        for (ElfSection rela : elf.sections()) {
            for (int at = 0; rela.isRela() && at < rela.size(); at += RELA) {
                int field = (int) rela.offset() + at + 12;
                int symbol = file.getInt(field);
                file.putInt(field, symbol < locals ? local[symbol] : global[symbol]);
            }
        }
    }

    private void permuteSections() {
        int table = (int) file.getLong(40);
        byte[] before = Arrays.copyOfRange(file.array(), table, table + sections.length * HEADER);
        for (ElfSection section : elf.sections()) {
            int to = table + sections[section.index()] * HEADER;
            file.put(to, before, section.index() * HEADER, HEADER);
            file.putInt(to + 40, sections[section.link()]);
            if (section.isRela()) {
                file.putInt(to + 44, sections[section.info()]);
            }
        }
        file.putShort(62, (short) sections[file.getShort(62)]);
    }
}
