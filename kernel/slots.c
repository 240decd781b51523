// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots: words of a base that name code or constants (operation tables), and
 * the jumps of pads.
 *
 * An edition's slots say what these words hold while it answers, and what they
 * hold while the base itself does; so going from any edition to any other is a
 * merge of two sorted lists.  The base's tables are read-only, and stay so:
 * they are written through a second, writable mapping of their pages.
 *
 * A pad is two instructions, "endbr64; jmp", that a table may name in place of
 * a function: a copy of its address that somebody has made leads to whoever
 * answers, for as long as the base is loaded.  The jmp is a slot.  A pad that
 * the edition which answers does not list leads to the base's function.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "internal.h"

/**
 * struct kmolt_write - one word to be changed
 * @slot: its address, what it holds (@base) and is to hold (@value)
 * @alias: where it can be written
 * @skip: an optional slot that holds something else is left alone
 */
struct kmolt_write {
	struct kmolt_slot slot;
	u64 *alias;
	bool skip;
};

struct kmolt_writes {
	size_t count;
	struct page **pages;
	size_t n_pages;
	void *mapping;
	struct kmolt_write write[];
};

static size_t n_slots(const struct kmolt_edition *edition)
{
	return edition ? edition->desc->n_slots : 0;
}

static const struct kmolt_slot *slots(const struct kmolt_edition *edition)
{
	return edition ? (const struct kmolt_slot *)edition->desc->slots : NULL;
}

/* jmp rel32, counted from its end; int3 fills the word. */
#define JUMP_SIZE	5

static u64 jump_word(u64 address, u64 target)
{
	u32 distance = target - (address + JUMP_SIZE);

	return 0xe9 | (u64)distance << 8 | 0xccccccULL << 40;
}

static bool jump_reaches(u64 address, u64 target)
{
	s64 distance = target - (address + JUMP_SIZE);

	return distance == (s32)distance;
}

static const struct kmolt_slot *find_pad(const struct kmolt_edition *edition,
					 u64 address)
{
	const struct kmolt_slot *slot = slots(edition);
	size_t i;

	for (i = 0; i < n_slots(edition); i++)
		if (slot[i].address == address)
			return &slot[i];
	return NULL;
}

/* Who brought a pad: an edition that has answered, and stays with the base. */
static const struct kmolt_edition *pad_owner(const struct kmolt_base *base,
					     u64 address)
{
	const struct kmolt_edition *edition;

	if (!base)
		return NULL;
	list_for_each_entry(edition, &base->editions, node)
		if (edition->pinned && edition->sticky && edition->pause_ns &&
		    kmolt_in_text(edition->mod, address))
			return edition;
	return NULL;
}

static const char *pad_wrong(const struct kmolt_slot *pad,
			     const struct kmolt_update *desc,
			     const struct module *mod,
			     const struct module *pinned)
{
	const struct kmolt_base *base = kmolt_find_base(desc->base);
	const struct kmolt_slot *known;
	u64 target = pad->base;

	if (pad->flags != KMOLT_SLOT_JUMP || pad->address % 8)
		return "a pad is not a word that holds a jump";
	if (!kmolt_in_text(pinned, pad->base) || !kmolt_in_text(mod, pad->value))
		return "a pad does not lead to the base or the update";
	if (!jump_reaches(pad->address, pad->base) ||
	    !jump_reaches(pad->address, pad->value))
		return "a pad is too far away from what it leads to";
	if (kmolt_in_text(mod, pad->address)) {
		if (!(desc->flags & KMOLT_UPDATE_STICKY))
			return "it brings pads and would not stay";
	} else {
		known = find_pad(pad_owner(base, pad->address), pad->address);
		if (!known || known->base != pad->base)
			return "a pad is not one of the base's";
		known = find_pad(base->current_edition, pad->address);
		if (known)
			target = known->value;
	}
	if (READ_ONCE(*(u64 *)pad->address) != jump_word(pad->address, target))
		return "a pad does not lead where it should";
	return NULL;
}

/* Words of the base come first, then pads of other updates, then its own. */
static int rank(const struct kmolt_slot *slot, const struct module *mod)
{
	if (!(slot->flags & KMOLT_SLOT_JUMP))
		return 0;
	return kmolt_in_text(mod, slot->address) ? 2 : 1;
}

/* What the kernel itself knows of a module is none of its data. */
static bool is_data_word(u64 address, const struct module *mod)
{
	return address % 8 == 0 && within_module(address, mod) &&
	       !kmolt_in_text(mod, address) &&
	       (address < (u64)mod || address >= (u64)(mod + 1));
}

/**
 * kmolt_slots_wrong - what is wrong with the slots of an update
 * @desc: its descriptor, whose arrays are in the update
 * @mod: the update
 * @pinned: its base
 *
 * Return: what, or NULL if all is well.
 */
const char *kmolt_slots_wrong(const struct kmolt_update *desc,
			      const struct module *mod,
			      const struct module *pinned)
{
	const struct kmolt_slot *slot = (const struct kmolt_slot *)desc->slots;
	const struct kmolt_slot *end = slot + desc->n_slots, *last = NULL;
	const char *wrong;

	for (; slot < end; last = slot++) {
		if (slot->flags & ~KMOLT_SLOT_FLAGS)
			return "a slot has a flag that this core does not know";
		if (slot->flags & KMOLT_SLOT_JUMP) {
			wrong = pad_wrong(slot, desc, mod, pinned);
			if (wrong)
				return wrong;
		} else if (!is_data_word(slot->address, pinned)) {
			return "a slot is not a word of the base's data";
		}
		if (last && (rank(last, mod) > rank(slot, mod) ||
			     (rank(last, mod) == rank(slot, mod) &&
			      last->address >= slot->address)))
			return "slots are not sorted";
	}
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct kmolt_slot *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* All of an edition's slots by address, jumps as the words that they are. */
static struct kmolt_slot *sorted_words(const struct kmolt_edition *edition)
{
	size_t i, n = n_slots(edition);
	struct kmolt_slot *words;

	words = kmolt_alloc(array_size(n + 1, sizeof(*words)));
	if (!words)
		return NULL;
	if (n)
		memcpy(words, slots(edition), n * sizeof(*words));
	for (i = 0; i < n; i++)
		if (words[i].flags & KMOLT_SLOT_JUMP) {
			words[i].base = jump_word(words[i].address, words[i].base);
			words[i].value = jump_word(words[i].address, words[i].value);
		}
	sort(words, n, sizeof(*words), by_address, NULL);
	return words;
}

static void add_write(struct kmolt_writes *writes, const struct kmolt_slot *slot,
		      u64 old, u64 new)
{
	struct kmolt_write *write = &writes->write[writes->count];

	if (old == new)
		return;
	write->slot = *slot;
	write->slot.base = old;
	write->slot.value = new;
	writes->count++;
}

static void merge(struct kmolt_writes *writes,
		  const struct kmolt_slot *a, size_t n_a,
		  const struct kmolt_slot *b, size_t n_b)
{
	const struct kmolt_slot *a_end = a + n_a, *b_end = b + n_b;

	while (a < a_end || b < b_end) {
		if (b == b_end || (a < a_end && a->address < b->address)) {
			add_write(writes, a, a->value, a->base);
			a++;
		} else if (a == a_end || b->address < a->address) {
			add_write(writes, b, b->base, b->value);
			b++;
		} else {
			add_write(writes, b, a->value, b->value);
			a++;
			b++;
		}
	}
}

static int merge_slots(struct kmolt_writes *writes,
		       const struct kmolt_edition *from,
		       const struct kmolt_edition *to)
{
	struct kmolt_slot *a = sorted_words(from), *b = sorted_words(to);
	int err = a && b ? 0 : -ENOMEM;

	if (!err)
		merge(writes, a, n_slots(from), b, n_slots(to));
	kvfree(a);
	kvfree(b);
	return err;
}

/* Sorted by address, so the pages come in order and each of them once. */
static int map_pages(struct kmolt_writes *writes)
{
	unsigned long last = 0;
	size_t i;

	writes->pages = kmolt_alloc(array_size(writes->count,
					       sizeof(*writes->pages)));
	if (!writes->pages)
		return -ENOMEM;
	for (i = 0; i < writes->count; i++) {
		unsigned long address = writes->write[i].slot.address;

		if (!writes->n_pages || (address & PAGE_MASK) != last) {
			struct page *page = vmalloc_to_page((void *)address);

			if (!page)
				return -EFAULT;
			writes->pages[writes->n_pages++] = page;
			last = address & PAGE_MASK;
		}
		/* An index for now; the mapping does not exist yet. */
		writes->write[i].alias =
			(u64 *)(((writes->n_pages - 1) << PAGE_SHIFT) +
				offset_in_page(address));
	}
	writes->mapping = kmolt_fails() ? NULL :
			  vmap(writes->pages, writes->n_pages, VM_MAP,
			       PAGE_KERNEL);
	if (!writes->mapping)
		return -ENOMEM;
	for (i = 0; i < writes->count; i++)
		writes->write[i].alias = writes->mapping +
			(unsigned long)writes->write[i].alias;
	return 0;
}

/**
 * kmolt_writes_plan - what is to be written to go from one edition to another
 * @from: who answers now, NULL for the base
 * @to: who is to answer, NULL for the base
 *
 * May sleep.  Return: the plan, or an ERR_PTR.
 */
struct kmolt_writes *kmolt_writes_plan(const struct kmolt_edition *from,
				       const struct kmolt_edition *to)
{
	struct kmolt_writes *writes;
	int err;

	writes = kmolt_alloc(struct_size(writes, write,
					 n_slots(from) + n_slots(to)));
	if (!writes)
		return ERR_PTR(-ENOMEM);
	err = merge_slots(writes, from, to);
	if (!err && writes->count)
		err = map_pages(writes);
	if (err) {
		kmolt_writes_free(writes);
		return ERR_PTR(err);
	}
	return writes;
}

/**
 * kmolt_writes_verify - whether every slot holds what it should
 * @writes: the plan
 * @found: what the offending slot holds
 *
 * All CPUs are stopped.  Return: the first slot that does not, or NULL.
 */
const struct kmolt_slot *kmolt_writes_verify(struct kmolt_writes *writes,
					     u64 *found)
{
	size_t i;

	for (i = 0; i < writes->count; i++) {
		struct kmolt_write *write = &writes->write[i];

		*found = READ_ONCE(*write->alias);
		write->skip = *found != write->slot.base;
		if (write->skip && !(write->slot.flags & KMOLT_SLOT_OPTIONAL))
			return &write->slot;
	}
	return NULL;
}

/**
 * kmolt_writes_apply - write the slots
 * @writes: the plan, verified in the same stop of all CPUs
 *
 * Some of them are code: before it goes on, every CPU must serialise.
 */
void kmolt_writes_apply(struct kmolt_writes *writes)
{
	size_t i;

	for (i = 0; i < writes->count; i++)
		if (!writes->write[i].skip)
			WRITE_ONCE(*writes->write[i].alias,
				   writes->write[i].slot.value);
}

/**
 * kmolt_writes_count - how many slots a plan writes
 * @writes: the plan
 *
 * Return: the number, those to be skipped included.
 */
size_t kmolt_writes_count(const struct kmolt_writes *writes)
{
	return writes->count;
}

/**
 * kmolt_writes_free - let go of a plan and its mapping
 * @writes: the plan
 */
void kmolt_writes_free(struct kmolt_writes *writes)
{
	if (writes->mapping)
		vunmap(writes->mapping);
	kvfree(writes->pages);
	kvfree(writes);
}
