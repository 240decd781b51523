// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes that the debug kernel must report, one at each load: the parameter mistake names it. Loading succeeds
 * and does no harm beyond the report. Only the test of the debug kernel loads this.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

static char *mistake = "";
module_param(mistake, charp, 0444);

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static int value;
static int __rcu *pointer = (int __rcu *)&value;

static void sleeps(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void lists(void)
{
	LIST_HEAD(head);
	struct list_head entry;

	list_add(&entry, &head);
	head.next = &head;
	list_del(&entry);	/* refused: the neighbours do not agree */
}

static void dereferences(void)
{
	(void)*rcu_dereference(pointer);
}

static void *volatile memory;	/* keeps the compiler from seeing through it */

static void heap(void)
{
	memory = kmalloc(40, GFP_KERNEL);
	kfree(memory);
	if (memory)
		READ_ONCE(*(char *)memory);
}

static void mapped(void)
{
	memory = vmalloc(40);
	if (memory)
		READ_ONCE(((char *)memory)[48]);
	vfree(memory);
}

static void preempted(void)
{
	(void)smp_processor_id();
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "sleeps", sleeps },
	{ "orders", orders },
	{ "lists", lists },
	{ "dereferences", dereferences },
	{ "heap", heap },
	{ "mapped", mapped },
	{ "preempted", preempted },
};

static int __init kmolt_faults_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (!strcmp(mistake, mistakes[i].name)) {
			mistakes[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit kmolt_faults_exit(void)
{
}

module_init(kmolt_faults_init);
module_exit(kmolt_faults_exit);
MODULE_DESCRIPTION("mistakes that a debug kernel reports");
MODULE_LICENSE("GPL");
