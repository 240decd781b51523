// SPDX-License-Identifier: GPL-2.0-only
/*
 * Staging: an enrolled edition is prepared so far that its commit cannot fail,
 * or is given up.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/slab.h>

#include "internal.h"

/**
 * kmolt_linked_on - whether an edition was linked on what answers now
 * @edition: the edition
 *
 * Return: 0, or -ESTALE with the reason given.
 */
int kmolt_linked_on(const struct kmolt_edition *edition)
{
	const char *from = kmolt_current_name(edition->base);

	if (!strcmp(edition->desc->from, from))
		return 0;
	kmolt_refuse("%s: it was linked while \"%s\" answered for %s, now \"%s\" does",
		     edition->name, edition->desc->from,
		     edition->base->mod->name, from);
	return -ESTALE;
}

static struct kmolt_edition *staged(const struct kmolt_base *base)
{
	struct kmolt_edition *edition;

	list_for_each_entry(edition, &base->editions, node)
		if (edition->state == KMOLT_STAGED)
			return edition;
	return NULL;
}

/**
 * kmolt_stage - prepare an edition so far that a commit cannot fail
 * @edition: the edition; enrolled, or retired and still loaded
 *
 * Return: 0 or an error; then the edition is as it was.
 */
int kmolt_stage(struct kmolt_edition *edition)
{
	struct kmolt_base *base = edition->base;
	bool again = edition->state == KMOLT_RETIRED;
	struct kmolt_table *table;
	int err = kmolt_linked_on(edition);

	if (err)
		return err;
	/* Its hooks and its commit are for what was there when it was linked. */
	if (edition->passes_over) {
		kmolt_refuse("%s: something that it was linked on was dropped",
			     edition->name);
		return -ESTALE;
	}
	if (kmolt_edited(base->mod)) {
		kmolt_refuse("%s: functions of %s have editions (%s); unload these first",
			     edition->name, base->mod->name,
			     kmolt_edited(base->mod));
		return -EBUSY;
	}
	if (staged(base)) {
		kmolt_refuse("%s: %s is staged already", edition->name,
			     staged(base)->name);
		return -EBUSY;
	}
	/* An enrolment holds both; a retired edition has let go of its base. */
	if (again && (!edition->pinned || edition->dropped ||
		      !try_module_get(base->mod))) {
		kmolt_refuse("%s: it is being unloaded", edition->name);
		return -ENOENT;
	}
	table = kmolt_table_create(base, edition, NULL, NULL);
	err = table ? kmolt_redirect_hook(base, base->table, table) : -ENOMEM;
	kvfree(table);
	if (err) {
		kmolt_refuse_for(edition->name, "ftrace refuses the redirects",
				 err);
		if (again)
			module_put(base->mod);
		return err;
	}
	/* Last, as it is the one thing that has to be taken back. */
	err = kmolt_hook_prepare(edition);
	if (err) {
		if (kmolt_redirect_hook(base, base->table, NULL))
			pr_warn("%s: unused redirects stay hooked\n",
				base->mod->name);
		if (again)
			module_put(base->mod);
		return err;
	}
	base->hooked = edition;
	edition->state = KMOLT_STAGED;
	return 0;
}

/**
 * kmolt_discard - give up an edition that was not committed
 * @edition: the edition, enrolled or staged
 *
 * Its update module is no longer pinned, and neither is the base on its behalf;
 * unless it answered before, so that pointers to it may have been kept.
 */
void kmolt_discard(struct kmolt_edition *edition)
{
	struct kmolt_base *base = edition->base;

	edition->state = KMOLT_RETIRED;
	kmolt_hook_unprepare(edition);
	/* Only takes sites away, for which no memory is needed but a list. */
	if (kmolt_redirect_hook(base, base->table, NULL))
		pr_warn("%s: unused redirects stay hooked\n", base->mod->name);
	kmolt_record_change("discarded", base, edition->name, edition->build_id,
			    0);
	if (edition->pause_ns) {
		module_put(base->mod);
		return;
	}
	edition->pinned = false;
	/* Until it is unloaded, the base must not be freed behind its back. */
	kmolt_exit_sync(base);
	module_put(base->mod);
	module_put(edition->mod);
}
