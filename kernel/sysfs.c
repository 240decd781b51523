// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/kmolt: what is going on, one value a file, for reading only.
 * docs/abi.md lists the files.
 *
 * A file is shown under no lock of ours: its folder cannot be removed while it
 * is, and what changes is read once.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/kobject.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"

static struct kobject *root;
static struct kset *modules;
static struct kset *editions;

#define to_base(k)	container_of(k, struct kmolt_base, kobj)
#define to_edition(k)	container_of(k, struct kmolt_edition, kobj)

#define ATTR(prefix, name) \
	static struct kobj_attribute prefix##_##name = \
		__ATTR(name, 0444, prefix##_##name##_show, NULL)
#define SHOW(prefix, name) \
	static ssize_t prefix##_##name##_show(struct kobject *kobj, \
					      struct kobj_attribute *attr, \
					      char *buf)

/* The core itself. */

SHOW(root, abi)
{
	return sysfs_emit(buf, "%d\n", KMOLT_ABI);
}
ATTR(root, abi);

SHOW(root, boot_id)
{
	return sysfs_emit(buf, "%s\n", kmolt_boot_id);
}
ATTR(root, boot_id);

SHOW(root, sequence)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(kmolt_sequence));
}
ATTR(root, sequence);

SHOW(root, owner)
{
	struct kmolt_session *session;
	ssize_t n;

	rcu_read_lock();
	session = rcu_dereference(kmolt_owner);
	n = session ? sysfs_emit(buf, "%d %s\n", session->owner, session->comm) :
		      sysfs_emit(buf, "none\n");
	rcu_read_unlock();
	return n;
}
ATTR(root, owner);

static const struct attribute *root_attrs[] = {
	&root_abi.attr, &root_boot_id.attr, &root_sequence.attr,
	&root_owner.attr, NULL,
};

/* A base. */

static ssize_t show_current(struct kobject *kobj, char *buf,
			    ssize_t (*show)(const struct kmolt_edition *edition,
					    char *buf))
{
	const struct kmolt_edition *edition;
	ssize_t n;

	/* An edition that answered is freed after a grace period. */
	rcu_read_lock();
	edition = READ_ONCE(to_base(kobj)->current_edition);
	n = edition ? show(edition, buf) : sysfs_emit(buf, "base\n");
	rcu_read_unlock();
	return n;
}

static ssize_t show_name(const struct kmolt_edition *edition, char *buf)
{
	return sysfs_emit(buf, "%s\n", edition->name);
}

static ssize_t show_build_id(const struct kmolt_edition *edition, char *buf)
{
	return sysfs_emit(buf, "%*phN\n", KMOLT_BUILD_ID_LEN, edition->build_id);
}

static ssize_t show_version(const struct kmolt_edition *edition, char *buf)
{
	return sysfs_emit(buf, "%s\n", edition->version);
}

static ssize_t show_srcversion(const struct kmolt_edition *edition, char *buf)
{
	return sysfs_emit(buf, "%s\n", edition->srcversion);
}

SHOW(base, current)
{
	return show_current(kobj, buf, show_name);
}

/* Not by the macro: "current" is one, too. */
static struct kobj_attribute base_current_attr = {
	.attr = { .name = "current", .mode = 0444 },
	.show = base_current_show,
};

SHOW(base, build_id)
{
	return show_current(kobj, buf, show_build_id);
}
ATTR(base, build_id);

SHOW(base, version)
{
	return show_current(kobj, buf, show_version);
}
ATTR(base, version);

SHOW(base, srcversion)
{
	return show_current(kobj, buf, show_srcversion);
}
ATTR(base, srcversion);

SHOW(base, commits)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(to_base(kobj)->commits));
}
ATTR(base, commits);

/*
 * Who made the last commit or revert, and when.  Without kmolt_mutex, under
 * which folders are removed: that waits for readers.  One that comes at the
 * moment of a change may see parts of both.
 */
SHOW(base, since)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(to_base(kobj)->changed.seconds));
}
ATTR(base, since);

SHOW(base, by)
{
	const struct kmolt_record_entry *changed = &to_base(kobj)->changed;

	return sysfs_emit(buf, "%u %u %.16s\n", READ_ONCE(changed->pid),
			  READ_ONCE(changed->uid), changed->comm);
}
ATTR(base, by);

static struct attribute *base_attrs[] = {
	&base_current_attr.attr, &base_build_id.attr, &base_version.attr,
	&base_srcversion.attr, &base_commits.attr,
	&base_since.attr, &base_by.attr, NULL,
};
ATTRIBUTE_GROUPS(base);

static void base_release(struct kobject *kobj)
{
	kvfree(to_base(kobj));
}

static const struct kobj_type base_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = base_release,
	.default_groups = base_groups,
};

/* An edition. */

const char *kmolt_state_name(enum kmolt_state state)
{
	static const char * const names[] = {
		[KMOLT_ENROLLED] = "enrolled",
		[KMOLT_STAGED] = "staged",
		[KMOLT_CURRENT] = "current",
		[KMOLT_SUPERSEDED] = "superseded",
		[KMOLT_RETIRED] = "retired",
	};

	return names[state];
}

SHOW(edition, state)
{
	return sysfs_emit(buf, "%s\n",
			  kmolt_state_name(READ_ONCE(to_edition(kobj)->state)));
}
ATTR(edition, state);

SHOW(edition, build_id)
{
	return show_build_id(to_edition(kobj), buf);
}
ATTR(edition, build_id);

SHOW(edition, version)
{
	return show_version(to_edition(kobj), buf);
}
ATTR(edition, version);

SHOW(edition, srcversion)
{
	return show_srcversion(to_edition(kobj), buf);
}
ATTR(edition, srcversion);

SHOW(edition, previous)
{
	const struct kmolt_edition *holds;
	ssize_t n;

	/* One that is passed over is freed after a grace period. */
	rcu_read_lock();
	holds = READ_ONCE(to_edition(kobj)->holds);
	n = sysfs_emit(buf, "%s\n", holds ? holds->name : "base");
	rcu_read_unlock();
	return n;
}
ATTR(edition, previous);

SHOW(edition, passes_over)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_edition(kobj)->passes_over));
}
ATTR(edition, passes_over);

SHOW(edition, stays)
{
	return sysfs_emit(buf, "%s\n", kmolt_stays(to_edition(kobj)));
}
ATTR(edition, stays);

SHOW(edition, pause_ns)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(to_edition(kobj)->pause_ns));
}
ATTR(edition, pause_ns);

SHOW(edition, slots)
{
	return sysfs_emit(buf, "%llu\n", to_edition(kobj)->n_slots);
}
ATTR(edition, slots);

SHOW(edition, redirects)
{
	return sysfs_emit(buf, "%llu\n", to_edition(kobj)->n_redirects);
}
ATTR(edition, redirects);

SHOW(edition, sticky)
{
	return sysfs_emit(buf, "%d\n", to_edition(kobj)->sticky);
}
ATTR(edition, sticky);

static struct attribute *edition_attrs[] = {
	&edition_state.attr, &edition_build_id.attr, &edition_version.attr,
	&edition_srcversion.attr, &edition_previous.attr,
	&edition_pause_ns.attr, &edition_slots.attr, &edition_redirects.attr,
	&edition_sticky.attr, &edition_passes_over.attr,
	&edition_stays.attr, NULL,
};
ATTRIBUTE_GROUPS(edition);

static void edition_release(struct kobject *kobj)
{
	struct kmolt_edition *edition = to_edition(kobj);

	/* Pairs with the read in show_current(). */
	kvfree_rcu(edition, rcu);
}

static const struct kobj_type edition_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = edition_release,
	.default_groups = edition_groups,
};

/**
 * kmolt_base_create - begin the record of a base
 * @mod: the module, pinned
 *
 * Return: the base, in kmolt_bases, or an ERR_PTR.
 */
struct kmolt_base *kmolt_base_create(struct module *mod)
{
	struct kmolt_base *base = kmolt_alloc(sizeof(*base));
	int err;

	if (!base)
		return ERR_PTR(-ENOMEM);
	base->mod = mod;
	base->exit = mod->exit;
	base->kobj.kset = modules;
	INIT_LIST_HEAD(&base->editions);
	err = kobject_init_and_add(&base->kobj, &base_type,
				   NULL, "%s", mod->name);
	err = kmolt_or_fail(err);
	if (err) {
		kobject_put(&base->kobj);
		return ERR_PTR(err);
	}
	list_add_tail(&base->node, &kmolt_bases);
	return base;
}

/**
 * kmolt_edition_create - begin the record of an edition
 * @base: what it updates
 * @desc: its descriptor, found well-formed
 * @mod: its update module
 *
 * Return: the edition, in the base's list, or an ERR_PTR.
 */
struct kmolt_edition *kmolt_edition_create(struct kmolt_base *base,
					   const struct kmolt_update *desc,
					   struct module *mod)
{
	struct kmolt_edition *edition = kmolt_alloc(sizeof(*edition));
	int err;

	if (!edition)
		return ERR_PTR(-ENOMEM);
	edition->base = base;
	edition->desc = desc;
	edition->mod = mod;
	edition->n_slots = desc->n_slots;
	edition->n_redirects = desc->n_redirects;
	edition->sticky = desc->flags & KMOLT_UPDATE_STICKY;
	memcpy(edition->build_id, desc->build_id, KMOLT_BUILD_ID_LEN);
	strscpy(edition->version, desc->version, sizeof(edition->version));
	strscpy(edition->srcversion, desc->srcversion,
		sizeof(edition->srcversion));
	strscpy(edition->name, mod->name, sizeof(edition->name));
	edition->holds = base->current_edition;
	err = kobject_init_and_add(&edition->kobj, &edition_type,
				   &base->kobj, "%s", mod->name);
	err = kmolt_or_fail(err);
	if (err) {
		kobject_put(&edition->kobj);
		return ERR_PTR(err);
	}
	list_add_tail(&edition->node, &base->editions);
	return edition;
}

/* Functions with editions. */

#define to_group(k)	container_of(k, struct kmolt_group, kobj)
#define to_target(k)	container_of(k, struct kmolt_target, kobj)
#define to_counter(k)	container_of(k, struct kmolt_counter, kobj)

SHOW(group, module)
{
	return sysfs_emit(buf, "%s\n", to_group(kobj)->mod->name);
}
ATTR(group, module);

SHOW(group, routes)
{
	return kmolt_show_routing(to_group(kobj), buf);
}
ATTR(group, routes);

static struct attribute *group_attrs[] = {
	&group_module.attr, &group_routes.attr, NULL,
};
ATTRIBUTE_GROUPS(group);

static void group_release(struct kobject *kobj)
{
	kvfree(to_group(kobj));
}

static const struct kobj_type group_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = group_release,
	.default_groups = group_groups,
};

SHOW(target, state)
{
	const struct kmolt_target *target = to_target(kobj);

	return sysfs_emit(buf, "%s\n", READ_ONCE(target->gone) ? "gone" :
			  READ_ONCE(target->registered) ? "routed" : "original");
}
ATTR(target, state);

SHOW(target, route)
{
	return kmolt_show_route(to_target(kobj), buf);
}
ATTR(target, route);

SHOW(target, shared)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_target(kobj)->sharing));
}
ATTR(target, shared);

static struct attribute *target_attrs[] = {
	&target_state.attr, &target_route.attr, &target_shared.attr, NULL,
};
ATTRIBUTE_GROUPS(target);

static void target_release(struct kobject *kobj)
{
	struct kmolt_target *target = to_target(kobj);

	free_percpu(target->hits);
	kvfree(target->counters);
	kvfree(target);
}

static const struct kobj_type target_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = target_release,
	.default_groups = target_groups,
};

SHOW(counter, hits)
{
	const struct kmolt_counter *counter = to_counter(kobj);
	u64 hits = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		hits += *per_cpu_ptr(counter->target->hits + counter->index, cpu);
	return sysfs_emit(buf, "%llu\n", hits);
}
ATTR(counter, hits);

static struct attribute *counter_attrs[] = {
	&counter_hits.attr, NULL,
};
ATTRIBUTE_GROUPS(counter);

static void counter_release(struct kobject *kobj)
{
	kvfree(to_counter(kobj));
}

static const struct kobj_type counter_type = {
	.sysfs_ops = &kobj_sysfs_ops,
	.release = counter_release,
	.default_groups = counter_groups,
};

static int counter_create(struct kmolt_target *target, size_t index)
{
	const struct kmolt_code *codes = (void *)target->desc->editions;
	struct kmolt_counter *counter = kmolt_alloc(sizeof(*counter));
	int err;

	if (!counter)
		return -ENOMEM;
	counter->target = target;
	counter->index = index;
	counter->number = index ? codes[index - 1].number : 0;
	err = kobject_init_and_add(&counter->kobj, &counter_type,
				   &target->kobj, "%llu", counter->number);
	err = kmolt_or_fail(err);
	if (err)
		kobject_put(&counter->kobj);
	else
		target->counters[index] = counter;
	return err;
}

static int target_create(struct kmolt_group *group,
			 const struct kmolt_function *desc)
{
	struct kmolt_target *target = kmolt_alloc(sizeof(*target));
	size_t n = desc->n_editions + 1, i;
	int err;

	if (!target)
		return -ENOMEM;
	target->group = group;
	target->desc = desc;
	target->hits = kmolt_fails() ? NULL :
		       __alloc_percpu(n * sizeof(u64), sizeof(u64));
	target->counters = kmolt_alloc(array_size(n, sizeof(*target->counters)));
	if (!target->hits || !target->counters) {
		free_percpu(target->hits);
		kvfree(target->counters);
		kvfree(target);
		return -ENOMEM;
	}
	err = kobject_init_and_add(&target->kobj, &target_type,
				   &group->kobj, "%s", desc->label);
	err = kmolt_or_fail(err);
	if (err) {
		kobject_put(&target->kobj);
		return err;
	}
	group->targets[group->n_targets++] = target;
	for (i = 0; i < n && !err; i++)
		err = counter_create(target, i);
	return err;
}

/**
 * kmolt_group_create - begin the record of an update module with editions
 * @desc: its descriptor, found well-formed
 * @mod: the module
 *
 * Return: the group, in kmolt_groups, or an ERR_PTR.
 */
struct kmolt_group *kmolt_group_create(const struct kmolt_editions *desc,
				       struct module *mod)
{
	const struct kmolt_function *functions = (void *)desc->functions;
	struct kmolt_group *group;
	u64 i;
	int err;

	group = kmolt_alloc(struct_size(group, targets, desc->n_functions));
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->desc = desc;
	group->mod = mod;
	group->kobj.kset = editions;
	INIT_LIST_HEAD(&group->routings);
	err = kobject_init_and_add(&group->kobj, &group_type,
				   NULL, "%s", desc->name);
	err = kmolt_or_fail(err);
	if (err) {
		kobject_put(&group->kobj);
		return ERR_PTR(err);
	}
	list_add_tail(&group->node, &kmolt_groups);
	for (i = 0; i < desc->n_functions && !err; i++)
		err = target_create(group, &functions[i]);
	if (err) {
		kmolt_group_forget(group);
		return ERR_PTR(err);
	}
	return group;
}

/**
 * kmolt_group_forget - drop the record of an update module with editions
 * @group: the group; no site leads to its dispatchers
 */
void kmolt_group_forget(struct kmolt_group *group)
{
	size_t i, j;

	list_del(&group->node);
	for (i = 0; i < group->n_targets; i++) {
		struct kmolt_target *target = group->targets[i];

		/* Once its folder is gone, nobody looks at it any more. */
		for (j = 0; j <= target->desc->n_editions; j++)
			if (target->counters[j]) {
				kobject_del(&target->counters[j]->kobj);
				kobject_put(&target->counters[j]->kobj);
			}
		kobject_del(&target->kobj);
		kobject_put(&target->kobj);
	}
	kobject_del(&group->kobj);
	kobject_put(&group->kobj);
}

int kmolt_sysfs_init(void)
{
	int err;

	root = kmolt_fails() ? NULL :
	       kobject_create_and_add("kmolt", kernel_kobj);
	if (!root)
		return -ENOMEM;
	modules = kmolt_fails() ? NULL :
		  kset_create_and_add("modules", NULL, root);
	editions = kmolt_fails() ? NULL :
		   kset_create_and_add("editions", NULL, root);
	err = !modules || !editions || kmolt_fails() ? -ENOMEM :
	      sysfs_create_files(root, root_attrs);
	if (!err)
		err = kmolt_switch_init(root);
	if (err)
		kmolt_sysfs_exit();
	return err;
}

void kmolt_sysfs_exit(void)
{
	kmolt_switch_exit();
	if (editions)
		kset_unregister(editions);
	if (modules)
		kset_unregister(modules);
	kobject_put(root);
}
