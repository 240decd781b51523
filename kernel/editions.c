// SPDX-License-Identifier: GPL-2.0-only
/*
 * Editions of functions: an update module brings other versions of functions
 * of the kernel or of modules.  It is enrolled here, where every function must
 * turn out to be one that can be patched, and let go of here, once nobody is
 * inside.  In between, route.c decides who gets to them.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "internal.h"

/* So many can be described in one reply. */
#define MAX_FUNCTIONS	128
#define MAX_EDITIONS	1024

LIST_HEAD(kmolt_groups);

struct kmolt_group *kmolt_find_group(const char *name)
{
	struct kmolt_group *group;

	list_for_each_entry(group, &kmolt_groups, node)
		if (strcmp(group->desc->name, name) == 0)
			return group;
	return NULL;
}

/**
 * kmolt_edited - whose editions a module's functions have
 * @mod: the module
 *
 * Return: the name of their update, or NULL if they have none.
 */
const char *kmolt_edited(const struct module *mod)
{
	struct kmolt_group *group;
	size_t i;

	list_for_each_entry(group, &kmolt_groups, node)
		for (i = 0; i < group->n_targets; i++)
			if (!group->targets[i]->gone &&
			    !strcmp(group->targets[i]->desc->object, mod->name))
				return group->desc->name;
	return NULL;
}

static const struct kmolt_target *find_target(u64 address)
{
	struct kmolt_group *group;
	size_t i;

	list_for_each_entry(group, &kmolt_groups, node)
		for (i = 0; i < group->n_targets; i++)
			if (!group->targets[i]->gone &&
			    group->targets[i]->desc->address == address)
				return group->targets[i];
	return NULL;
}

/* Its folder stands beside the group's own files. */
static bool label_ok(const char *label)
{
	return label[0] && kmolt_text_ok(label, KMOLT_LABEL_LEN, "_.:,$-") &&
	       label[0] != '.' && strcmp(label, "module") &&
	       strcmp(label, "routes");
}

static const char *function_wrong(const struct kmolt_function *function,
				  const struct module *mod)
{
	const struct kmolt_code *editions = (void *)function->editions;
	u64 i;

	if (!label_ok(function->label) ||
	    !kmolt_text_ok(function->object, sizeof(function->object), "_"))
		return "a function's name is malformed";
	if (!kmolt_word_ok(mod, function->marker, sizeof(u64)))
		return "a marker is not in the update module's data";
	if (!function->n_editions || function->n_editions > 255 ||
	    !kmolt_array_ok(mod, function->editions, function->n_editions,
			    sizeof(struct kmolt_code)))
		return "an array of editions is not in the update module";
	for (i = 0; i < function->n_editions; i++)
		if (!kmolt_in_text(mod, editions[i].address) ||
		    editions[i].number < 1 || editions[i].number > 255 ||
		    (i && editions[i].number <= editions[i - 1].number))
			return "an edition is malformed";
	return NULL;
}

static const char *shape_wrong(const struct kmolt_editions *desc,
			       const struct module *mod)
{
	const struct kmolt_function *functions = (void *)desc->functions;
	const char *wrong;
	u64 codes = 0;
	u64 i, j;

	if (!kmolt_descriptor_ok(mod, desc, sizeof(*desc)))
		return "the descriptor is not in the update module";
	if (desc->magic != KMOLT_MAGIC_EDITIONS || desc->size != sizeof(*desc))
		return "this is not a descriptor";
	if (desc->abi != KMOLT_ABI)
		return "it was linked for another version of the core";
	if (!kmolt_text_ok(desc->boot_id, sizeof(desc->boot_id), "-") ||
	    !kmolt_text_ok(desc->name, sizeof(desc->name), "_") ||
	    !desc->name[0])
		return "its name is malformed";
	if (!desc->n_functions || desc->n_functions > MAX_FUNCTIONS ||
	    !kmolt_array_ok(mod, desc->functions, desc->n_functions,
			    sizeof(struct kmolt_function)))
		return "the array of functions is not in the update module";
	for (i = 0; i < desc->n_functions; i++) {
		wrong = function_wrong(&functions[i], mod);
		if (wrong)
			return wrong;
		for (j = 0; j < i; j++)
			if (functions[i].address == functions[j].address ||
			    functions[i].marker == functions[j].marker ||
			    !strcmp(functions[i].label, functions[j].label))
				return "a function is named twice";
		codes += functions[i].n_editions;
	}
	if (codes > MAX_EDITIONS)
		return "it has too many editions";
	return NULL;
}

/* Whether the function is where the update was linked for; its module is pinned. */
static int object_refused(const struct kmolt_function *function,
			  const struct module *update)
{
	const struct kmolt_base *base;
	struct module *mod;
	int err = 0;

	if (!function->object[0]) {
		if (function->address < MODULES_VADDR)
			return 0;
		kmolt_refuse("%s: %s is not in the kernel proper", update->name,
			     function->label);
		return -ESTALE;
	}
	/* The list of modules is walked from our own entry, so we are not found. */
	if (!strcmp(function->object, THIS_MODULE->name)) {
		kmolt_refuse("%s: functions of kmolt itself have no editions",
			     update->name);
		return -EINVAL;
	}
	mod = kmolt_get_module(function->object);
	if (!mod) {
		kmolt_refuse("%s: module %s is not loaded, or on its way out",
			     update->name, function->object);
		return -ENOENT;
	}
	base = kmolt_find_base(function->object);
	if (function->object_address != kmolt_module_address(mod) ||
	    function->object_load != kmolt_module_load(mod) ||
	    !kmolt_in_text(mod, function->address)) {
		kmolt_refuse("%s: it was linked for another load of %s",
			     update->name, function->object);
		err = -ESTALE;
	} else if (base && kmolt_in_transition(base)) {
		kmolt_refuse("%s: %s was swapped or is about to be: calls pass by its functions",
			     update->name, function->object);
		err = -EBUSY;
	}
	module_put(mod);
	return err;
}

static int function_refused(struct kmolt_target *target,
			    const struct module *update)
{
	const struct kmolt_function *function = target->desc;
	const struct kmolt_target *other = find_target(function->address);
	int err = object_refused(function, update);

	if (err)
		return err;
	if (other && other != target && other->group != target->group) {
		kmolt_refuse("%s: %s has editions already, those of %s",
			     update->name, function->label,
			     other->group->desc->name);
		return -EBUSY;
	}
	err = kmolt_target_check(target);
	if (err == -EINVAL)
		kmolt_refuse("%s: %s has no ftrace site: calls to it cannot be routed",
			     update->name, function->label);
	return err;
}

static int enroll(const struct kmolt_editions *desc, struct module *mod)
{
	const char *wrong = shape_wrong(desc, mod);
	struct kmolt_group *group;
	size_t i;
	int err;

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
	if (kmolt_find_group(desc->name)) {
		kmolt_refuse("%s: editions named %s are loaded already",
			     mod->name, desc->name);
		return -EEXIST;
	}
	group = kmolt_group_create(desc, mod);
	if (IS_ERR(group)) {
		kmolt_refuse_for(mod->name, "it cannot be enrolled",
				 PTR_ERR(group));
		return PTR_ERR(group);
	}
	for (i = 0; i < group->n_targets; i++) {
		err = function_refused(group->targets[i], mod);
		if (err) {
			kmolt_group_forget(group);
			return err;
		}
	}
	/* Cannot fail: the loader of the update module holds it. */
	__module_get(mod);
	group->pinned = true;
	kmolt_sequence++;
	return 0;
}

/**
 * kmolt_enroll_editions - an update module introduces itself; called by its init
 * @desc: its descriptor
 * @mod: itself
 *
 * On success it is pinned until its editions are unloaded.
 *
 * Return: 0, or an error that the module's init returns to the loader.
 */
int kmolt_enroll_editions(const struct kmolt_editions *desc, struct module *mod)
{
	int err;

	mutex_lock(&kmolt_mutex);
	err = enroll(desc, mod);
	mutex_unlock(&kmolt_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(kmolt_enroll_editions);

/**
 * kmolt_unload_editions - let go of an update module with editions
 * @group: its functions; no routes are in force
 * @outcome: receives who is inside; its scan is the caller's to free
 *
 * Nobody comes in any more.  Those who were on their way are waited for, those
 * who are inside are looked for.
 *
 * Return: 0, then it may be unloaded; or -EBUSY or -ENOMEM.
 */
int kmolt_unload_editions(struct kmolt_group *group,
			  struct kmolt_outcome *outcome)
{
	int err;

	synchronize_rcu_tasks();
	err = kmolt_text_idle(group->mod, outcome);
	if (err)
		return err;
	group->pinned = false;
	module_put(group->mod);
	return 0;
}

/**
 * kmolt_withdraw_editions - an update module leaves; called by its exit
 * @desc: its descriptor
 */
void kmolt_withdraw_editions(const struct kmolt_editions *desc)
{
	struct kmolt_group *group;

	mutex_lock(&kmolt_mutex);
	group = kmolt_find_group(desc->name);
	/* It was enrolled; a pinned module is not unloaded. */
	if (!WARN_ON_ONCE(!group || group->desc != desc || group->pinned))
		kmolt_group_forget(group);
	mutex_unlock(&kmolt_mutex);
}
EXPORT_SYMBOL_GPL(kmolt_withdraw_editions);

/* A module goes, and its functions with it; their editions are left alone. */
static int module_changes(struct notifier_block *block, unsigned long state,
			  void *data)
{
	const struct module *mod = data;
	struct kmolt_group *group;
	size_t i;

	/*
	 * Modules also go while we hold the mutex and wait, as for a hook that
	 * has one loaded.  Editions that are enrolled only now find it going.
	 */
	smp_mb();
	if (state != MODULE_STATE_GOING || list_empty(&kmolt_groups))
		return NOTIFY_DONE;
	mutex_lock(&kmolt_mutex);
	list_for_each_entry(group, &kmolt_groups, node)
		for (i = 0; i < group->n_targets; i++) {
			struct kmolt_target *target = group->targets[i];

			if (target->gone || strcmp(target->desc->object, mod->name))
				continue;
			if (kmolt_target_release(target))
				pr_warn("%s: ftrace has not let go of %s\n",
					group->desc->name, target->desc->label);
			target->gone = true;
			pr_notice("%s: %s is gone with its module\n",
				  group->desc->name, target->desc->label);
		}
	mutex_unlock(&kmolt_mutex);
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
};

int kmolt_editions_init(void)
{
	return register_module_notifier(&module_notifier);
}

void kmolt_editions_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
