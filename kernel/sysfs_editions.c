// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/kmolt/editions: functions with editions, and how often each of
 * them was called.
 */
#include <linux/percpu.h>
#include <linux/slab.h>

#include "internal.h"
#include "sysfs.h"

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
	group->kobj.kset = kmolt_edition_set;
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
