// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks: a new build whose init or exit is another than that of the build that
 * answers brings a function that does for the running module what init would
 * have done, and one that takes it back.  Each is called once for a staging.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/err.h>

#include "internal.h"

/**
 * kmolt_hooks_wrong - what is wrong with an update's hooks
 * @desc: its descriptor
 * @mod: the update module
 *
 * Return: NULL or the reason.
 */
const char *kmolt_hooks_wrong(const struct kmolt_update *desc,
			      const struct module *mod)
{
	if (!desc->prepare != !desc->unprepare)
		return "it has only one of two hooks";
	if (desc->prepare && (!kmolt_in_text(mod, desc->prepare) ||
			      !kmolt_in_text(mod, desc->unprepare)))
		return "a hook is not in the update's code";
	return NULL;
}

/**
 * kmolt_hook_prepare - let an edition prepare the running module
 * @edition: the edition, all else of which is staged
 *
 * Called with kmolt_mutex; may sleep.  Return: 0 or what the hook says.
 */
int kmolt_hook_prepare(struct kmolt_edition *edition)
{
	int (*prepare)(void) = (void *)edition->desc->prepare;
	int err;

	if (!prepare || edition->prepared)
		return 0;
	err = prepare();
	if (err) {
		kmolt_refuse("%s: prepare hook %ps: error %d", edition->name,
			     prepare, err);
		return err < 0 && err >= -MAX_ERRNO ? err : -EINVAL;
	}
	edition->prepared = true;
	return 0;
}

/**
 * kmolt_hook_unprepare - take back what an edition has prepared, if it has
 * @edition: the edition, which does not answer
 *
 * Called with kmolt_mutex; may sleep.
 */
void kmolt_hook_unprepare(struct kmolt_edition *edition)
{
	void (*unprepare)(void) = (void *)edition->desc->unprepare;

	if (!edition->prepared)
		return;
	edition->prepared = false;
	unprepare();
}
