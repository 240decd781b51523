// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/kmolt, the core itself and modules with their editions.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"
#include "sysfs.h"

static struct kobject *root;
static struct kset *modules;
struct kset *kmolt_edition_set;

#define to_base(k)	container_of(k, struct kmolt_base, kobj)
#define to_edition(k)	container_of(k, struct kmolt_edition, kobj)

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
	n = session ? sysfs_emit(buf, "%d %s%s\n", session->owner, session->comm,
				 READ_ONCE(session->closing) ? " closing" : "") :
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

int kmolt_sysfs_init(void)
{
	int err;

	root = kmolt_fails() ? NULL :
	       kobject_create_and_add("kmolt", kernel_kobj);
	if (!root)
		return -ENOMEM;
	modules = kmolt_fails() ? NULL :
		  kset_create_and_add("modules", NULL, root);
	kmolt_edition_set = kmolt_fails() ? NULL :
		   kset_create_and_add("editions", NULL, root);
	err = !modules || !kmolt_edition_set || kmolt_fails() ? -ENOMEM :
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
	if (kmolt_edition_set)
		kset_unregister(kmolt_edition_set);
	if (modules)
		kset_unregister(modules);
	kobject_put(root);
}
