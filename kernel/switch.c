// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches: named words that routes read.  They stand in this module, so that
 * a dispatcher reaches them relative to itself, and stay as long as it does.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/ctype.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "internal.h"

#define MAX_SWITCHES	64
#define NAME_SIZE	32

struct kmolt_switch {
	s64 value;
	char name[NAME_SIZE];
	struct kobj_attribute attr;
};

static struct kmolt_switch switches[MAX_SWITCHES];
static size_t n_switches;
static struct kobject *folder;

static ssize_t show(struct kobject *kobj, struct kobj_attribute *attr,
		    char *buf)
{
	struct kmolt_switch *found =
		container_of(attr, struct kmolt_switch, attr);

	return sysfs_emit(buf, "%lld\n", READ_ONCE(found->value));
}

static bool name_ok(const char *name)
{
	size_t length = strnlen(name, NAME_SIZE), i;

	for (i = 0; i < length; i++)
		if (!isalnum(name[i]) && !strchr("_-.", name[i]))
			return false;
	return length && length < NAME_SIZE && name[0] != '.';
}

/**
 * kmolt_switch - find a switch; one that is not there is made, and is 0
 * @name: its name: letters, digits, "_", "-" and ".", at most 31
 *
 * Return: its word, or an ERR_PTR: -EINVAL, -ENOSPC or -ENOMEM.
 */
s64 *kmolt_switch(const char *name)
{
	struct kmolt_switch *new;
	size_t i;
	int err;

	for (i = 0; i < n_switches; i++)
		if (strcmp(switches[i].name, name) == 0)
			return &switches[i].value;
	if (!name_ok(name))
		return ERR_PTR(-EINVAL);
	if (n_switches == MAX_SWITCHES)
		return ERR_PTR(-ENOSPC);
	new = &switches[n_switches];
	strscpy(new->name, name, sizeof(new->name));
	new->value = 0;
	sysfs_attr_init(&new->attr.attr);
	new->attr.attr.name = new->name;
	new->attr.attr.mode = 0444;
	new->attr.show = show;
	err = kmolt_fails() ? -ENOMEM :
	      sysfs_create_file(folder, &new->attr.attr);
	if (err)
		return ERR_PTR(err);
	n_switches++;
	return &new->value;
}

int kmolt_switch_init(struct kobject *root)
{
	folder = kmolt_fails() ? NULL : kobject_create_and_add("switches", root);
	return folder ? 0 : -ENOMEM;
}

void kmolt_switch_exit(void)
{
	kobject_put(folder);
}
