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

#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"

/* For what is shown, as in site.c. */
static DEFINE_MUTEX(show_mutex);

static void set_routing(struct kmolt_group *group,
			struct kmolt_routing *routing)
{
	mutex_lock(&show_mutex);
	group->routing = routing;
	mutex_unlock(&show_mutex);
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
	if (!routing) {
		kmolt_refuse_for(mod->name, "it cannot be enrolled", -ENOMEM);
		return -ENOMEM;
	}
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
	kmolt_target_set_route(target, old);
	return target->registered ? kmolt_target_lead(target, old->entry, old->shared) : 0;
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
		kmolt_target_set_route(target, route);
		err = kmolt_target_lead(target, route->first, route->first_shared);
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
				       kmolt_target_lead(target, route->entry, route->shared);
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
