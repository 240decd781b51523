// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enrolment: an update module hands over its descriptor when it is loaded.
 * The base is pinned first and then compared with what the update was linked
 * for; nothing in the descriptor is believed.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "internal.h"

LIST_HEAD(kmolt_bases);

/**
 * kmolt_get_module - find a module that is in use or may be used, and pin it
 * @name: its name
 *
 * All modules are on one list with us.  find_module() is not exported, but
 * the list can be walked from our own entry; its head, which is not a module,
 * is the one entry outside the modules' part of the address space.
 *
 * Return: the module, or NULL if it is not loaded, not yet or no longer.
 */
struct module *kmolt_get_module(const char *name)
{
	struct list_head *self = &THIS_MODULE->list, *entry;
	struct module *found = NULL;

	/* Modules are freed after synchronize_rcu(). */
	rcu_read_lock();
	for (entry = READ_ONCE(self->next); entry != self;
	     entry = READ_ONCE(entry->next)) {
		unsigned long address = (unsigned long)entry;
		struct module *mod = list_entry(entry, struct module, list);

		if (address < MODULES_VADDR || address >= MODULES_END)
			continue;
		if (strcmp(mod->name, name) == 0) {
			if (READ_ONCE(mod->state) == MODULE_STATE_LIVE &&
			    try_module_get(mod))
				found = mod;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

struct kmolt_base *kmolt_find_base(const char *name)
{
	struct kmolt_base *base;

	list_for_each_entry(base, &kmolt_bases, node)
		if (strcmp(base->mod->name, name) == 0)
			return base;
	return NULL;
}

struct kmolt_edition *kmolt_find_edition(const char *name)
{
	struct kmolt_edition *edition;
	struct kmolt_base *base;

	list_for_each_entry(base, &kmolt_bases, node)
		list_for_each_entry(edition, &base->editions, node)
			if (strcmp(edition->mod->name, name) == 0)
				return edition;
	return NULL;
}

static const char *shape_wrong(const struct kmolt_update *desc,
			       const struct module *mod)
{
	if (!kmolt_descriptor_ok(mod, desc, sizeof(*desc)))
		return "the descriptor is not in the update module";
	if (desc->magic != KMOLT_MAGIC || desc->size != sizeof(*desc))
		return "this is not a descriptor";
	if (desc->abi != KMOLT_ABI)
		return "it was linked for another version of the core";
	if (!kmolt_text_ok(desc->boot_id, sizeof(desc->boot_id), "-") ||
	    !kmolt_text_ok(desc->base, sizeof(desc->base), "_") ||
	    !kmolt_text_ok(desc->from, sizeof(desc->from), "_") ||
	    !kmolt_text_ok(desc->version, sizeof(desc->version), NULL) ||
	    !kmolt_text_ok(desc->srcversion, sizeof(desc->srcversion), NULL))
		return "a text is malformed";
	if (desc->flags & ~KMOLT_UPDATE_FLAGS)
		return "it has a flag that this core does not know";
	if (!kmolt_array_ok(mod, desc->slots, desc->n_slots, sizeof(struct kmolt_slot)) ||
	    !kmolt_array_ok(mod, desc->redirects, desc->n_redirects,
		      sizeof(struct kmolt_redirect)) ||
	    !kmolt_array_ok(mod, desc->ways, desc->n_ways,
		      sizeof(struct kmolt_way)) ||
	    !kmolt_array_ok(mod, desc->commit_ranges, desc->n_commit_ranges,
		      sizeof(struct kmolt_range)) ||
	    !kmolt_array_ok(mod, desc->reckoned, desc->n_reckoned, sizeof(u64)))
		return "an array is not in the update module";
	if (!kmolt_in_text(mod, desc->exit_stub) ||
	    (desc->exit && !kmolt_in_text(mod, desc->exit)))
		return "an exit is not in the update's code";
	if (!kmolt_ranges_ok(desc->commit_ranges, desc->n_commit_ranges))
		return "a range ends before it begins";
	return kmolt_hooks_wrong(desc, mod);
}

static const char *base_wrong(const struct kmolt_update *desc,
			      const struct module *base)
{
	if (desc->base_address != kmolt_module_address(base) ||
	    desc->base_size != kmolt_module_size(base) ||
	    desc->base_load != kmolt_module_load(base))
		return "it was linked for another load of its base";
	if (!within_module(desc->base_note, base) ||
	    !within_module(desc->base_note + KMOLT_BUILD_ID_LEN - 1, base) ||
	    memcmp((void *)desc->base_note, desc->base_build_id,
		   KMOLT_BUILD_ID_LEN))
		return "it was linked for another build of its base";
	return NULL;
}

/**
 * kmolt_current_name - who answers for a base
 * @base: the base, NULL for one without editions
 *
 * Return: the name of the edition's module, or "" for the base itself.
 */
const char *kmolt_current_name(const struct kmolt_base *base)
{
	return base && base->current_edition ? base->current_edition->name : "";
}

/**
 * kmolt_session_missing - refuse an enrolment while nobody holds the device
 * @mod: the module that wants to enrol
 *
 * Return: whether it is refused.
 */
bool kmolt_session_missing(const struct module *mod)
{
	if (kmolt_session_open())
		return false;
	kmolt_refuse("%s: nobody holds /dev/kmolt: updates are loaded by the kmolt tool",
		     mod->name);
	return true;
}

static int enroll(const struct kmolt_update *desc, struct module *mod)
{
	const char *wrong = shape_wrong(desc, mod);
	struct kmolt_edition *edition;
	struct kmolt_base *base;
	struct module *pinned;
	bool fresh = false;

	if (wrong) {
		kmolt_refuse("%s: %s", mod->name, wrong);
		return -EINVAL;
	}
	if (kmolt_session_missing(mod))
		return -EPERM;
	if (strcmp(desc->boot_id, kmolt_boot_id)) {
		kmolt_refuse("%s: it was linked for another boot", mod->name);
		return -ESTALE;
	}
	pinned = kmolt_get_module(desc->base);
	if (!pinned) {
		kmolt_refuse("%s: module %s is not loaded, or on its way out",
			     mod->name, desc->base);
		return -ENOENT;
	}
	wrong = base_wrong(desc, pinned);
	base = kmolt_find_base(desc->base);
	if (!wrong && strcmp(desc->from, kmolt_current_name(base))) {
		kmolt_refuse("%s: it was linked while \"%s\" answered for %s, now \"%s\" does",
			     mod->name, desc->from, desc->base,
			     kmolt_current_name(base));
		module_put(pinned);
		return -ESTALE;
	}
	if (!wrong)
		wrong = kmolt_slots_wrong(desc, mod, pinned);
	if (!wrong)
		wrong = kmolt_ways_wrong(desc, mod, pinned);
	if (wrong) {
		kmolt_refuse("%s: %s", mod->name, wrong);
		module_put(pinned);
		return -ESTALE;
	}
	if (kmolt_edited(pinned)) {
		kmolt_refuse("%s: functions of %s have editions (%s); unload these first",
			     mod->name, desc->base, kmolt_edited(pinned));
		module_put(pinned);
		return -EBUSY;
	}
	if (!base) {
		base = kmolt_base_create(pinned);
		fresh = true;
	}
	edition = IS_ERR(base) ? ERR_CAST(base) :
				 kmolt_edition_create(base, desc, mod);
	if (IS_ERR(edition)) {
		if (fresh && !IS_ERR(base))
			kmolt_forget_base(base);
		module_put(pinned);
		kmolt_refuse_for(mod->name, "it cannot be enrolled",
				 PTR_ERR(edition));
		return PTR_ERR(edition);
	}
	/* Cannot fail: the loader of the update module holds it. */
	__module_get(mod);
	edition->pinned = true;
	kmolt_hold(edition);
	/* A base that is forced out in spite of its references passes us, too. */
	kmolt_exit_sync(base);
	kmolt_sequence++;
	return 0;
}

/**
 * kmolt_enroll - an update module introduces itself; called by its init
 * @desc: its descriptor
 * @mod: itself
 *
 * On success both the base and the update module are pinned, until the
 * session that loaded it stages and commits it, or discards it.
 *
 * Return: 0, or an error that the module's init returns to the loader.
 */
int kmolt_enroll(const struct kmolt_update *desc, struct module *mod)
{
	int err;

	mutex_lock(&kmolt_mutex);
	err = enroll(desc, mod);
	mutex_unlock(&kmolt_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(kmolt_enroll);

/**
 * kmolt_in_transition - whether a base is swapped, or about to be
 * @base: the base
 */
bool kmolt_in_transition(const struct kmolt_base *base)
{
	struct kmolt_edition *edition;

	list_for_each_entry(edition, &base->editions, node)
		if (edition->state != KMOLT_RETIRED)
			return true;
	return false;
}

/**
 * kmolt_forget_base - drop the record of a base that has no editions left
 * @base: the base
 */
void kmolt_forget_base(struct kmolt_base *base)
{
	kmolt_redirect_remove(base);
	kvfree(kmolt_redirect_set(base, NULL));
	list_del(&base->node);
	kobject_put(&base->kobj);
}

static struct kmolt_edition *edition_of(const struct kmolt_update *desc)
{
	struct kmolt_edition *edition;
	struct kmolt_base *base;

	list_for_each_entry(base, &kmolt_bases, node)
		list_for_each_entry(edition, &base->editions, node)
			if (edition->desc == desc)
				return edition;
	return NULL;
}

/**
 * kmolt_withdraw - an update module leaves; called by its exit
 * @desc: its descriptor
 */
void kmolt_withdraw(const struct kmolt_update *desc)
{
	struct kmolt_edition *edition;
	struct kmolt_base *base;
	bool live;

	mutex_lock(&kmolt_mutex);
	edition = edition_of(desc);
	/* It imports us and was enrolled; a pinned module is not unloaded. */
	if (WARN_ON_ONCE(!edition || edition->pinned))
		goto out;
	base = edition->base;
	live = try_module_get(base->mod);
	/*
	 * A base on its way out may have taken our stub for its exit: it has
	 * passed the stub, and needs us no more, when it says so.
	 */
	while (!live && !base->going) {
		mutex_unlock(&kmolt_mutex);
		msleep(20);
		mutex_lock(&kmolt_mutex);
	}
	list_del(&edition->node);
	kmolt_let_go(edition);
	kobject_put(&edition->kobj);
	if (live) {
		kmolt_exit_sync(base);
		module_put(base->mod);
		if (list_empty(&base->editions))
			kmolt_forget_base(base);
	}
out:
	mutex_unlock(&kmolt_mutex);
}
EXPORT_SYMBOL_GPL(kmolt_withdraw);
