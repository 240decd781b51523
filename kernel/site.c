// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ftrace site at a function's entry: its calls are led to a dispatcher, to
 * another one, or to the original again.  Others may use the site as well.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/rcupdate.h>
#include <linux/sysfs.h>
#include <asm/text-patching.h>

#include "internal.h"

#define CALL_OPCODE	0xe8
#define SITE_REACH	4	/* the site is behind an ENDBR, if there is one */

#define to_target(o)	container_of(o, struct kmolt_target, ops)

/*
 * For what is shown: whoever removes a folder holds kmolt_mutex and waits for
 * those who look at its files.
 */
static DEFINE_MUTEX(show_mutex);

/* Whether calls of the original by its editions pass the site already. */
static bool is_shared(const struct kmolt_target *target)
{
	return READ_ONCE(*(u64 *)target->desc->marker) &&
	       (target->entry == target->route->shared ||
		target->entry == target->route->first_shared);
}

/*
 * Another user of ftrace comes to our site, one that changes where the call
 * goes, as livepatch does.  From now on calls of the original by an edition go
 * through the function's entry, where that user is.  Called with ftrace's
 * direct_mutex, which we take inside of ours: so try, and let them try again.
 */
static int share(struct kmolt_target *target)
{
	const struct kmolt_route *route;
	int err = 0;

	if (!mutex_trylock(&kmolt_mutex)) {
		/* Whoever holds it gets on meanwhile. */
		usleep_range(1000, 2000);
		return -EAGAIN;
	}
	route = target->route;
	if (!route) {
		err = -EAGAIN;
	} else if (!is_shared(target)) {
		target->sharing = true;
		err = kmolt_direct_modify_nolock(&target->ops, route->shared);
		if (!err) {
			target->entry = route->shared;
			WRITE_ONCE(*(u64 *)target->desc->marker, 1);
		}
	}
	mutex_unlock(&kmolt_mutex);
	return err;
}

/**
 * kmolt_target_set_route - say which route is in force, or about to be
 * @target: the function
 * @route: the route, NULL for none
 *
 * Also for those who look at it without kmolt_mutex.
 */
void kmolt_target_set_route(struct kmolt_target *target,
			    const struct kmolt_route *route)
{
	mutex_lock(&show_mutex);
	target->route = route;
	mutex_unlock(&show_mutex);
}

/**
 * kmolt_show_route - write the text of the route in force, and a newline
 * @target: the function
 * @buf: a page
 *
 * Return: bytes written.
 */
ssize_t kmolt_show_route(struct kmolt_target *target, char *buf)
{
	ssize_t n;

	mutex_lock(&show_mutex);
	n = sysfs_emit(buf, "%s\n", target->route ? target->route->text : "0");
	mutex_unlock(&show_mutex);
	return n;
}

static int ops_changes(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
{
	struct kmolt_target *target = to_target(ops);

	switch (cmd) {
	case FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_SELF:
		/* We come second; kmolt_target_lead() tries again with the other entry. */
		if (target->sharing)
			return 0;
		target->sharing = true;
		return -EAGAIN;
	case FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_PEER:
		return share(target);
	default:
		/* What suits two users of the site suits one. */
		return 0;
	}
}

/*
 * ftrace_free_filter() leaves pointers to the hashes that it has freed, and
 * registering an ops anew is refused: begin from nothing.
 */
static void forget_ops(struct kmolt_target *target)
{
	ftrace_free_filter(&target->ops);
	memset(&target->ops, 0, sizeof(target->ops));
	target->registered = false;
	target->entry = 0;
}

static int prepare_ops(struct kmolt_target *target)
{
	int err;

	target->ops.ops_func = ops_changes;
	err = kmolt_fails() ? -ENOMEM :
	      ftrace_set_filter_ip(&target->ops, target->desc->address, 0, 1);
	if (err)
		forget_ops(target);
	return err;
}

/* ftrace_location() takes every address within a site for that of the site. */
static bool begins_symbol(unsigned long address)
{
	char text[KSYM_SYMBOL_LEN];

	sprint_symbol(text, address);
	return strstr(text, "+0x0/");
}

/**
 * kmolt_target_check - whether calls of a function can be routed
 * @target: the function
 *
 * Return: 0, -EINVAL if no function with an ftrace site begins there, or
 * another error.
 */
int kmolt_target_check(struct kmolt_target *target)
{
	int err = prepare_ops(target);

	if (err)
		return err;
	forget_ops(target);
	return begins_symbol(target->desc->address) ? 0 : -EINVAL;
}

/*
 * With kernel.ftrace_enabled=0 ftrace takes all and patches nothing.  While
 * some other user is being attached, a breakpoint stands at the site.
 */
static bool site_calls(const struct kmolt_target *target)
{
	const u8 *code = (const u8 *)target->desc->address;
	unsigned int tries;

	for (tries = 0; tries < 100; tries++) {
		u8 first = READ_ONCE(code[0]), behind = READ_ONCE(code[SITE_REACH]);

		if (first == CALL_OPCODE || behind == CALL_OPCODE)
			return true;
		if (first != INT3_INSN_OPCODE && behind != INT3_INSN_OPCODE)
			return false;
		usleep_range(1000, 2000);
	}
	return false;
}

static int register_target(struct kmolt_target *target, unsigned long entry)
{
	int err = prepare_ops(target);

	if (err)
		return err;
	err = kmolt_fails() ? -ENOMEM :
	      kmolt_direct_register(&target->ops, entry);
	if (err == -ENODEV) {
		/* ftrace has shut itself off, perhaps after patching the site. */
		target->registered = true;
		target->entry = entry;
		return err;
	}
	if (err) {
		/* It was on ftrace's list for a moment, where others look. */
		synchronize_rcu_tasks_rude();
		forget_ops(target);
		return err;
	}
	target->registered = true;
	target->entry = entry;
	/* Registering has overwritten the flags. */
	target->ops.flags |= FTRACE_OPS_FL_PERMANENT;
	if (!site_calls(target)) {
		kmolt_target_release(target);
		kmolt_refuse("%s: ftrace has not patched it; is kernel.ftrace_enabled 0?",
			     target->desc->label);
		return -EPERM;
	}
	return 0;
}

/**
 * kmolt_target_lead - lead the calls of a function to a dispatcher
 * @target: the function; its route is that of the dispatcher
 * @entry: where the dispatcher begins
 * @shared: where it begins if others redirect calls at the site as well
 *
 * May sleep.  Tasks may still be in the dispatcher of before.
 *
 * Return: 0 or an error; then calls go where they went.
 */
int kmolt_target_lead(struct kmolt_target *target, unsigned long entry,
		      unsigned long shared)
{
	unsigned long to;
	bool sharing;
	int err;

	do {
		sharing = target->sharing;
		to = sharing ? shared : entry;
		if (!target->registered)
			err = register_target(target, to);
		else if (target->entry == to)
			err = 0;
		else
			err = kmolt_fails() ? -ENOMEM :
			      kmolt_direct_modify(&target->ops, to);
	} while (err == -EAGAIN && target->sharing != sharing);
	if (err == -EBUSY)
		kmolt_refuse("%s: another user, such as BPF, has a direct call at its entry",
			     target->desc->label);
	if (err)
		return err;
	target->entry = to;
	if (target->sharing)
		WRITE_ONCE(*(u64 *)target->desc->marker, 1);
	return 0;
}

/**
 * kmolt_target_release - let all calls of a function go to the original
 * @target: the function
 *
 * May sleep.  Tasks may still be in the dispatcher.
 *
 * Return: 0, or what ftrace answered, which has shut itself off then; calls go
 * on to where they went.
 */
int kmolt_target_release(struct kmolt_target *target)
{
	int err;

	kmolt_target_set_route(target, NULL);
	if (!target->registered)
		return 0;
	err = kmolt_direct_unregister(&target->ops, target->entry);
	if (err)
		return err;
	forget_ops(target);
	return 0;
}
