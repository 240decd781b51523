// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes: a dispatcher at a function's ftrace site looks at each call and
 * leads it to an edition, or lets it go on to the original.  The tool has
 * compiled the dispatchers of all functions of a group into one module.
 *
 * From one module of dispatchers to the next: every site is led to the new
 * dispatcher's first entry, which goes on as before as long as one word is 0.
 * Setting the word switches all functions at once.  Then the sites are led to
 * the dispatchers proper, and the old ones can go.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
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

/* Also for those who look at it without our mutex. */
static void set_route(struct kmolt_target *target,
		      const struct kmolt_route *route)
{
	mutex_lock(&show_mutex);
	target->route = route;
	mutex_unlock(&show_mutex);
}

static void set_routing(struct kmolt_group *group,
			struct kmolt_routing *routing)
{
	mutex_lock(&show_mutex);
	group->routing = routing;
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

/**
 * kmolt_show_routing - write the name of the routes in force, and a newline
 * @group: the functions
 * @buf: a page
 *
 * Return: bytes written.
 */
ssize_t kmolt_show_routing(struct kmolt_group *group, char *buf)
{
	ssize_t n;

	mutex_lock(&show_mutex);
	n = sysfs_emit(buf, "%s\n",
		       group->routing ? group->routing->mod->name : "none");
	mutex_unlock(&show_mutex);
	return n;
}

static int ops_changes(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
{
	struct kmolt_target *target = to_target(ops);

	switch (cmd) {
	case FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_SELF:
		/* We come second; lead() tries again with the other entry. */
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

/* Leads a site to an entry; to the one for shared sites where that is needed. */
static int lead(struct kmolt_target *target, unsigned long entry,
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

	set_route(target, NULL);
	if (!target->registered)
		return 0;
	err = kmolt_direct_unregister(&target->ops, target->entry);
	if (err)
		return err;
	forget_ops(target);
	return 0;
}

/* Enrolment. */

struct kmolt_routing *kmolt_find_routing(const char *name)
{
	struct kmolt_routing *routing;
	struct kmolt_group *group;

	list_for_each_entry(group, &kmolt_groups, node)
		list_for_each_entry(routing, &group->routings, node)
			if (strcmp(routing->mod->name, name) == 0)
				return routing;
	return NULL;
}

static const char *route_wrong(const struct kmolt_route *route,
			       const struct kmolt_target *target,
			       const struct module *mod)
{
	if (route->function != target->desc->address)
		return "its routes are not those of the update's functions";
	if (!kmolt_in_text(mod, route->entry) ||
	    !kmolt_in_text(mod, route->shared) ||
	    !kmolt_in_text(mod, route->first) ||
	    !kmolt_in_text(mod, route->first_shared))
		return "a dispatcher is not in its code";
	if (!kmolt_text_ok(route->text, sizeof(route->text), NULL))
		return "a route's text is malformed";
	if (target->gone && !(route->flags & KMOLT_ROUTE_NONE))
		return "a function that it routes is gone with its module";
	return NULL;
}

static const char *shape_wrong(const struct kmolt_routes *desc,
			       const struct module *mod)
{
	if (!kmolt_descriptor_ok(mod, desc, sizeof(*desc)))
		return "the descriptor is not in the module";
	if (desc->magic != KMOLT_MAGIC_ROUTES || desc->size != sizeof(*desc))
		return "this is not a descriptor";
	if (desc->abi != KMOLT_ABI)
		return "it was made for another version of the core";
	if (!kmolt_text_ok(desc->boot_id, sizeof(desc->boot_id), "-") ||
	    !kmolt_text_ok(desc->editions, sizeof(desc->editions), "_") ||
	    !kmolt_text_ok(desc->from, sizeof(desc->from), "_"))
		return "a text is malformed";
	if (!kmolt_word_ok(mod, desc->go, sizeof(u32)) ||
	    READ_ONCE(*(u32 *)desc->go))
		return "its switch is malformed";
	if (!kmolt_array_ok(mod, desc->routes, desc->n_routes,
			    sizeof(struct kmolt_route)))
		return "the array of routes is not in the module";
	return NULL;
}

static const char *current_name(const struct kmolt_group *group)
{
	return group->routing ? group->routing->mod->name : "";
}

static int enroll(const struct kmolt_routes *desc, struct module *mod)
{
	const struct kmolt_route *routes = (void *)desc->routes;
	const char *wrong = shape_wrong(desc, mod);
	struct kmolt_routing *routing;
	struct kmolt_group *group;
	size_t i;

	if (wrong) {
		kmolt_refuse("%s: %s", mod->name, wrong);
		return -EINVAL;
	}
	if (kmolt_session_missing(mod))
		return -EPERM;
	group = kmolt_find_group(desc->editions);
	if (strcmp(desc->boot_id, kmolt_boot_id) || !group || !group->pinned ||
	    desc->n_routes != group->n_targets ||
	    strcmp(desc->from, current_name(group))) {
		kmolt_refuse("%s: it was made for other editions or routes than those of %s now",
			     mod->name, desc->editions);
		return -ESTALE;
	}
	for (i = 0; i < group->n_targets; i++) {
		wrong = route_wrong(&routes[i], group->targets[i], mod);
		if (wrong) {
			kmolt_refuse("%s: %s", mod->name, wrong);
			return -EINVAL;
		}
	}
	routing = kmolt_alloc(sizeof(*routing));
	if (!routing)
		return -ENOMEM;
	routing->group = group;
	routing->desc = desc;
	routing->mod = mod;
	list_add_tail(&routing->node, &group->routings);
	/* Cannot fail: the loader of the module holds it. */
	__module_get(mod);
	/* Its dispatchers jump to the editions. */
	__module_get(group->mod);
	kmolt_sequence++;
	return 0;
}

/**
 * kmolt_enroll_routes - a module with dispatchers introduces itself
 * @desc: its descriptor
 * @mod: itself
 *
 * Called by its init.  Return: 0, or an error for the loader.
 */
int kmolt_enroll_routes(const struct kmolt_routes *desc, struct module *mod)
{
	int err;

	mutex_lock(&kmolt_mutex);
	err = enroll(desc, mod);
	mutex_unlock(&kmolt_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(kmolt_enroll_routes);

/**
 * kmolt_withdraw_routes - a module with dispatchers leaves; called by its exit
 * @desc: its descriptor
 */
void kmolt_withdraw_routes(const struct kmolt_routes *desc)
{
	struct kmolt_routing *routing, *next;
	struct kmolt_group *group;

	mutex_lock(&kmolt_mutex);
	group = kmolt_find_group(desc->editions);
	if (WARN_ON_ONCE(!group))
		goto out;
	list_for_each_entry_safe(routing, next, &group->routings, node)
		if (routing->desc == desc) {
			list_del(&routing->node);
			module_put(group->mod);
			kvfree(routing);
		}
out:
	mutex_unlock(&kmolt_mutex);
}
EXPORT_SYMBOL_GPL(kmolt_withdraw_routes);

/**
 * kmolt_unused_routing - a module with dispatchers that nothing leads to
 *
 * Return: one that was enrolled and is not in force, no longer pinned; or NULL.
 */
struct kmolt_routing *kmolt_unused_routing(void)
{
	struct kmolt_routing *routing;
	struct kmolt_group *group;

	list_for_each_entry(group, &kmolt_groups, node)
		list_for_each_entry(routing, &group->routings, node) {
			if (routing == group->routing || routing->retired ||
			    routing->stuck)
				continue;
			routing->retired = true;
			module_put(routing->mod);
			return routing;
		}
	return NULL;
}

/* Switching. */

static const struct kmolt_route *route_of(const struct kmolt_routing *routing,
					  size_t i)
{
	return routing ? (const struct kmolt_route *)routing->desc->routes + i :
			 NULL;
}

static bool is_none(const struct kmolt_route *route)
{
	return !route || (route->flags & KMOLT_ROUTE_NONE);
}

/*
 * Whoever was in a dispatcher has left it: tasks that were preempted there, and
 * CPUs that are idle, which RCU-tasks does not wait for.
 */
static void wait_for_leavers(void)
{
	synchronize_rcu_tasks();
	synchronize_rcu_tasks_rude();
}

/* Leads a site back to what was in force; @go of the new routes is still 0. */
static int lead_back(struct kmolt_target *target,
		     const struct kmolt_route *old)
{
	if (is_none(old))
		return kmolt_target_release(target);
	set_route(target, old);
	return target->registered ? lead(target, old->entry, old->shared) : 0;
}

static int lead_to_first(struct kmolt_routing *routing)
{
	struct kmolt_group *group = routing->group;
	bool undone = false;
	int err = 0;
	size_t i;

	for (i = 0; i < group->n_targets && !err; i++) {
		struct kmolt_target *target = group->targets[i];
		const struct kmolt_route *route = route_of(routing, i);

		if (target->gone || (is_none(route) && !target->registered))
			continue;
		set_route(target, route);
		err = lead(target, route->first, route->first_shared);
	}
	if (!err)
		return 0;
	while (i--) {
		struct kmolt_target *target = group->targets[i];

		if (!target->gone &&
		    lead_back(target, route_of(group->routing, i)))
			undone = true;
	}
	routing->stuck = undone;
	if (undone)
		pr_warn("%s: some calls still pass %s, which lets them go on as before\n",
			group->desc->name, routing->mod->name);
	wait_for_leavers();
	return err;
}

/* Whether the dispatchers of before are no longer led to. */
static bool settle(struct kmolt_routing *routing)
{
	struct kmolt_group *group = routing->group;
	bool free = true;
	size_t i;

	for (i = 0; i < group->n_targets; i++) {
		struct kmolt_target *target = group->targets[i];
		const struct kmolt_route *route = route_of(routing, i);
		int err;

		if (target->gone)
			continue;
		err = is_none(route) ? kmolt_target_release(target) :
				       lead(target, route->entry, route->shared);
		/* One more step at each call, but the right one. */
		if (err)
			pr_warn("%s: %s keeps its detour\n", group->desc->name,
				target->desc->label);
		if (err && is_none(route))
			free = false;
	}
	return free;
}

/* Lets go of all routes of a group but one. */
static void retire_others(struct kmolt_group *group,
			  const struct kmolt_routing *kept)
{
	struct kmolt_routing *routing;

	list_for_each_entry(routing, &group->routings, node) {
		if (routing == kept || routing->retired)
			continue;
		routing->stuck = false;
		routing->retired = true;
		module_put(routing->mod);
	}
}

/**
 * kmolt_route - put routes in force, for all functions of a group at once
 * @routing: the routes, enrolled and not retired
 *
 * May sleep.  Return: 0, or an error; then the old ones are in force.
 */
int kmolt_route(struct kmolt_routing *routing)
{
	struct kmolt_group *group = routing->group;
	bool none = true, free;
	size_t i;
	int err;

	if (!group->pinned) {
		kmolt_refuse("%s: its editions are being unloaded",
			     routing->mod->name);
		return -ESTALE;
	}
	if (strcmp(routing->desc->from, current_name(group))) {
		kmolt_refuse("%s: other routes are in force than those it was made for",
			     routing->mod->name);
		return -ESTALE;
	}
	err = lead_to_first(routing);
	if (err)
		return err;
	WRITE_ONCE(*(u32 *)routing->desc->go, 1);
	free = settle(routing);
	for (i = 0; i < group->n_targets; i++)
		none &= is_none(route_of(routing, i));
	/* Where a site could not be freed, the routes that it takes stay. */
	set_routing(group, none && free ? NULL : routing);
	wait_for_leavers();
	retire_others(group, group->routing);
	return 0;
}
