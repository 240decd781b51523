// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots: words of a base that name code or constants (operation tables).
 *
 * An edition's slots say what these words hold while it answers, and what they
 * hold while the base itself does; so going from any edition to any other is a
 * merge of two sorted lists.  The base's tables are read-only, and stay so:
 * they are written through a second, writable mapping of their pages.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/mm.h>
#include <linux/slab.h>
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

static void merge(struct kmolt_writes *writes, const struct kmolt_edition *from,
		  const struct kmolt_edition *to)
{
	const struct kmolt_slot *a = slots(from), *a_end = a + n_slots(from);
	const struct kmolt_slot *b = slots(to), *b_end = b + n_slots(to);

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
	int err = 0;

	writes = kmolt_alloc(struct_size(writes, write,
					 n_slots(from) + n_slots(to)));
	if (!writes)
		return ERR_PTR(-ENOMEM);
	merge(writes, from, to);
	if (writes->count)
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
