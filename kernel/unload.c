// SPDX-License-Identifier: GPL-2.0-only
/*
 * Letting go: of an edition that no longer answers, and of all editions of a
 * base that is being unloaded.
 *
 * The second happens inside the base's module_exit, which a commit has pointed
 * at the edition's exit stub: the editions are gone before the base's memory
 * is, as their jump labels and static calls hang on keys in that memory; and
 * before delete_module() returns, so that modprobe -r can go on with the
 * modules that both depend on.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "internal.h"

#define IDLE_RETRIES	50
#define IDLE_WAIT_MS	100

/*
 * Who stood on the way to a function may be on the way for a while, and memory
 * may be short for a moment.
 */
static int wait_text_idle(struct kmolt_edition *edition)
{
	int i, err = 0;

	for (i = 0; i < IDLE_RETRIES; i++) {
		struct kmolt_outcome outcome = KMOLT_OUTCOME;

		err = kmolt_text_idle(edition->mod, &outcome);
		kmolt_scan_free(outcome.scan);
		if (!err)
			break;
		msleep(IDLE_WAIT_MS);
	}
	return err;
}

/*
 * An edition that cannot be unloaded stays for ever, but must no longer be
 * known to jump labels and static calls, which would follow its entries to
 * keys in the base's freed memory.  Their notifiers do that, and nothing
 * exported does; a kprobe finds them.
 */
static void detach(struct module *mod)
{
	static const char * const names[] = {
		"jump_label_module_notify", "static_call_module_notify",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct kprobe probe = { .symbol_name = names[i] };
		notifier_fn_t notify;

		if (register_kprobe(&probe))
			continue;
		notify = (notifier_fn_t)kmolt_callable((unsigned long)probe.addr);
		unregister_kprobe(&probe);
		if (!WARN_ON_ONCE(!notify))
			notify(NULL, MODULE_STATE_GOING, mod);
	}
}

static bool is_listed(const struct kmolt_base *base,
		      const struct kmolt_edition *edition)
{
	const struct kmolt_edition *each;

	list_for_each_entry(each, &base->editions, node)
		if (each == edition)
			return true;
	return false;
}

static int try_release(struct kmolt_edition *edition, const char *name)
{
	int err;

	/*
	 * Tasks preempted on their way into the edition, in a trampoline or
	 * with a pointer just loaded, have gone on after this; those that
	 * sleep inside are then seen on their stacks.
	 */
	synchronize_rcu_tasks();
	err = wait_text_idle(edition);
	if (err)
		return err;
	edition->pinned = false;
	module_put(edition->mod);
	/* Its exit calls kmolt_withdraw(): edition is gone if this is 0. */
	while ((err = kmolt_remove_module(name)) == -ENOMEM)
		msleep(IDLE_WAIT_MS);
	return err;
}

/* Returns with the edition gone, or detached and struck off its base's list. */
static void release_edition(struct kmolt_base *base,
			    struct kmolt_edition *edition)
{
	char name[MODULE_NAME_LEN];
	int err;

	strscpy(name, edition->name, sizeof(name));
	err = try_release(edition, name);
	if (!err)
		return;
	mutex_lock(&kmolt_mutex);
	/* Somebody may have unloaded it by hand meanwhile, or be about to. */
	if (is_listed(base, edition) &&
	    (edition->pinned || try_module_get(edition->mod))) {
		edition->pinned = true;
		pr_err("%s: cannot be unloaded (error %d): it stays, detached\n",
		       name, err);
		detach(edition->mod);
		list_del(&edition->node);
		kobject_put(&edition->kobj);
	}
	mutex_unlock(&kmolt_mutex);
}

/*
 * The next edition to release, pinned; NULL if there is none left.  The last
 * one first, as it uses those before it.  One that somebody is unloading by
 * hand leaves by itself: wait for that.
 */
static struct kmolt_edition *next_edition(struct kmolt_base *base)
{
	struct kmolt_edition *edition;

	for (;;) {
		mutex_lock(&kmolt_mutex);
		edition = list_empty(&base->editions) ? NULL :
			  list_last_entry(&base->editions,
					  struct kmolt_edition, node);
		if (!edition || edition->pinned || try_module_get(edition->mod))
			break;
		mutex_unlock(&kmolt_mutex);
		msleep(IDLE_WAIT_MS);
	}
	if (edition)
		edition->pinned = true;
	mutex_unlock(&kmolt_mutex);
	return edition;
}

/**
 * kmolt_exit_sync - point the exit of a base's struct module where it belongs
 * @base: the base; pinned, or not live yet
 *
 * Whoever answers, the base must not be freed while an edition is loaded:
 * its exit goes through a stub as long as there is one.
 */
void kmolt_exit_sync(struct kmolt_base *base)
{
	void (*exit)(void) = base->exit;
	struct kmolt_edition *edition;

	/*
	 * A module with an init but no exit cannot be unloaded; an exit of
	 * ours would change that.
	 */
	if (!base->exit && base->mod->init)
		return;
	/* Any stub will do, but that of a pinned edition cannot go away. */
	list_for_each_entry(edition, &base->editions, node)
		if (edition->pinned || exit == base->exit)
			exit = (void (*)(void))edition->desc->exit_stub;
	WRITE_ONCE(base->mod->exit, exit);
}

/* The exit that is about to run knows nothing of what a hook has prepared. */
static void unprepare_staged(struct kmolt_base *base)
{
	struct kmolt_edition *edition;

	list_for_each_entry(edition, &base->editions, node)
		if (edition->state == KMOLT_STAGED)
			kmolt_hook_unprepare(edition);
}

/**
 * kmolt_exit - the base is being unloaded; called by an edition's exit stub
 * @desc: the descriptor of that edition, not necessarily of the current one
 */
void kmolt_exit(const struct kmolt_update *desc)
{
	struct kmolt_edition *edition;
	char last[MODULE_NAME_LEN];
	u8 build_id[KMOLT_BUILD_ID_LEN];
	struct kmolt_base *base;
	void (*exit)(void);

	/* The editions hold us by their imports, but will be gone. */
	__module_get(THIS_MODULE);
	mutex_lock(&kmolt_mutex);
	base = kmolt_find_base(desc->base);
	if (WARN_ON_ONCE(!base)) {
		mutex_unlock(&kmolt_mutex);
		goto out;
	}
	kobject_get(&base->kobj);
	edition = base->current_edition;
	exit = edition ? (void (*)(void))edition->desc->exit : base->exit;
	base->going = true;
	unprepare_staged(base);
	WRITE_ONCE(base->current_edition, NULL);
	strscpy(last, edition ? edition->name : "base", sizeof(last));
	memcpy(build_id, edition ? edition->build_id : desc->base_build_id,
	       sizeof(build_id));
	kmolt_record_change("unloaded", base, last, build_id, 0);
	mutex_unlock(&kmolt_mutex);

	if (exit)
		exit();

	mutex_lock(&kmolt_mutex);
	kmolt_redirect_remove(base);
	mutex_unlock(&kmolt_mutex);
	/* Whoever unloads may be killed meanwhile: nothing here heeds a signal. */
	while ((edition = next_edition(base)))
		release_edition(base, edition);
	pr_info("%s: unloaded, its editions with it, %s had answered (build-id %*phN), by pid %d (%s) uid %u\n",
		base->mod->name, last, KMOLT_BUILD_ID_LEN, build_id,
		task_tgid_nr(current), current->comm,
		from_kuid(&init_user_ns, current_uid()));

	mutex_lock(&kmolt_mutex);
	kmolt_forget_base(base);
	mutex_unlock(&kmolt_mutex);
	kobject_put(&base->kobj);
out:
	module_put(THIS_MODULE);
}
EXPORT_SYMBOL_GPL(kmolt_exit);

/**
 * kmolt_vacate - see to it that nobody is in an edition, or gets there any more
 * @edition: the edition, which nobody outside of it calls
 * @outcome: receives who is still inside; its scan is the caller's to free
 *
 * Until nobody is inside, calls from inside need the redirects at its sites.
 *
 * Called with kmolt_mutex.  Return: 0, -EBUSY if tasks are inside, -ETIME if the
 * CPUs could not be stopped, or another error where memory is short; then
 * nothing has changed.
 */
int kmolt_vacate(struct kmolt_edition *edition, struct kmolt_outcome *outcome)
{
	struct kmolt_base *base = edition->base;
	struct kmolt_table *table;
	int err;

	table = kmolt_table_create(base, base->current_edition, NULL, edition);
	if (!table)
		return -ENOMEM;
	/* Who was on the way to it has arrived. */
	synchronize_rcu_tasks();
	err = kmolt_text_idle(edition->mod, outcome);
	/* Only takes sites away; soon they may be in another module. */
	if (!err)
		err = kmolt_redirect_hook(base, table, NULL);
	if (err) {
		kvfree(table);
		return err;
	}
	table = kmolt_redirect_set(base, table);
	/* The handler looks at a table with preemption disabled. */
	synchronize_rcu();
	kvfree(table);
	return 0;
}

/**
 * kmolt_retire - make a retired edition ready to be unloaded
 * @edition: the edition
 * @outcome: receives who is still inside; its scan is the caller's to free
 *
 * Called with kmolt_mutex.  Return: 0 if its update module is no longer pinned,
 * -EPERM if it is sticky or calls may come from one that is, or what
 * kmolt_vacate() returns.
 */
int kmolt_retire(struct kmolt_edition *edition, struct kmolt_outcome *outcome)
{
	int err;

	if (edition->sticky)
		return -EPERM;
	if (!edition->pinned)
		return 0;
	/* What was linked on it, and stays, leads its callers here. */
	if (edition->held)
		return -EPERM;
	if (!edition->dropped) {
		err = kmolt_vacate(edition, outcome);
		if (err)
			return err;
	}
	edition->pinned = false;
	module_put(edition->mod);
	return 0;
}
