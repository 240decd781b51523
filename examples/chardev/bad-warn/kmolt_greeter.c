// SPDX-License-Identifier: GPL-2.0-only
/*
 * greeter, a bad version: a device that greets everyone who signs its guest book.
 *
 *	echo Ada > /dev/greeter		signs the book
 *	cat /dev/greeter		greets all who signed, then waits for the next
 *	cat /proc/greeter		what happened so far
 *
 * What is new since version 1: whoever reads /proc/greeter makes the kernel warn.
 * It can take over; only a verification tells that it should not have.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define BOOK_SIZE	16
#define NAME_SIZE	32
#define LINE_SIZE	128
#define IDLE_AFTER	(5 * HZ)

#define GREETER_SIGNED	_IOR('g', 1, __u64)	/* signatures by everyone, ever */
#define GREETER_MINE	_IOR('g', 2, __u64)	/* signatures through this file */

/* What one open file knows. */
struct visitor {
	struct list_head list;
	struct timer_list timer;	/* runs out when nothing was done for a while */
	bool idle;
	pid_t pid;
	u64 next;			/* number of the signature to read next */
	u64 mine;
};

/* The latest signatures: number n is at book[n % BOOK_SIZE]. */
static char book[BOOK_SIZE][NAME_SIZE];
static u64 signatures;
static LIST_HEAD(visitors);
static DEFINE_MUTEX(lock);		/* for all of the above */

static DECLARE_WAIT_QUEUE_HEAD(new_signature);

static char *greeting = "Hello";
module_param(greeting, charp, 0444);
MODULE_PARM_DESC(greeting, "the word to greet with");

static unsigned int chime_ms = 1000;
module_param(chime_ms, uint, 0644);
MODULE_PARM_DESC(chime_ms, "milliseconds between two chimes of the clock");

/* The clock in the hall: work that puts itself off again and again. */
static unsigned long chimes;
static void chime(struct work_struct *work);
static DECLARE_DELAYED_WORK(clock, chime);

static void chime(struct work_struct *work)
{
	WRITE_ONCE(chimes, chimes + 1);
	schedule_delayed_work(&clock, msecs_to_jiffies(max(READ_ONCE(chime_ms), 10U)));
}

static void visitor_idles(struct timer_list *timer)
{
	struct visitor *v = from_timer(v, timer, timer);

	WRITE_ONCE(v->idle, true);
}

static void visitor_acts(struct visitor *v)
{
	WRITE_ONCE(v->idle, false);
	mod_timer(&v->timer, jiffies + IDLE_AFTER);
}

/* The line for one signature. Bug: what "echo" wrote ends in a newline. */
static noinline int greet(char *line, u64 number)
{
	return scnprintf(line, LINE_SIZE, "%s, %s!\n", greeting, book[number % BOOK_SIZE]);
}

static u64 oldest_kept(void)
{
	return signatures > BOOK_SIZE ? signatures - BOOK_SIZE : 0;
}

static int greeter_open(struct inode *inode, struct file *file)
{
	struct visitor *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (!v)
		return -ENOMEM;
	timer_setup(&v->timer, visitor_idles, 0);
	v->pid = task_tgid_nr(current);
	mutex_lock(&lock);
	v->next = oldest_kept();
	list_add_tail(&v->list, &visitors);
	mutex_unlock(&lock);
	file->private_data = v;
	visitor_acts(v);
	return nonseekable_open(inode, file);
}

static int greeter_release(struct inode *inode, struct file *file)
{
	struct visitor *v = file->private_data;

	mutex_lock(&lock);
	list_del(&v->list);
	mutex_unlock(&lock);
	del_timer_sync(&v->timer);
	kfree(v);
	return 0;
}

/* One greeting a call; sleeps until there is one. */
static ssize_t greeter_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct visitor *v = file->private_data;
	char line[LINE_SIZE];
	size_t n;

	visitor_acts(v);
	mutex_lock(&lock);
	while (v->next == signatures) {
		mutex_unlock(&lock);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(new_signature,
					     READ_ONCE(signatures) != READ_ONCE(v->next)))
			return -ERESTARTSYS;
		mutex_lock(&lock);
	}
	if (v->next < oldest_kept())
		v->next = oldest_kept();
	n = greet(line, v->next);
	v->next++;
	mutex_unlock(&lock);

	n = min(n, len);
	return copy_to_user(buf, line, n) ? -EFAULT : n;
}

/* One signature a call; a name that is too long is cut off. */
static ssize_t greeter_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct visitor *v = file->private_data;
	char name[NAME_SIZE] = "";

	if (copy_from_user(name, buf, min(len, sizeof(name) - 1)))
		return -EFAULT;
	visitor_acts(v);
	mutex_lock(&lock);
	strscpy(book[signatures % BOOK_SIZE], name, NAME_SIZE);
	WRITE_ONCE(signatures, signatures + 1);
	v->mine++;
	mutex_unlock(&lock);
	wake_up_interruptible(&new_signature);
	return len;
}

static long greeter_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct visitor *v = file->private_data;
	u64 answer;

	mutex_lock(&lock);
	answer = cmd == GREETER_MINE ? v->mine : signatures;
	mutex_unlock(&lock);

	switch (cmd) {
	case GREETER_SIGNED:
	case GREETER_MINE:
		return put_user(answer, (u64 __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations greeter_fops = {
	.owner		= THIS_MODULE,
	.open		= greeter_open,
	.release	= greeter_release,
	.read		= greeter_read,
	.write		= greeter_write,
	.unlocked_ioctl	= greeter_ioctl,
};

static struct miscdevice greeter_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "greeter",
	.fops	= &greeter_fops,
	.mode	= 0666,
};

static int greeter_show(struct seq_file *m, void *unused)
{
	struct visitor *v;
	char line[LINE_SIZE];

	WARN_ON_ONCE(m->private == NULL);
	seq_puts(m, "greeter warns\n");
	mutex_lock(&lock);
	seq_printf(m, "signatures %llu\n", signatures);
	seq_printf(m, "chimes %lu\n", READ_ONCE(chimes));
	if (signatures) {
		greet(line, signatures - 1);
		seq_printf(m, "latest %s", line);
	}
	list_for_each_entry(v, &visitors, list)
		seq_printf(m, "visitor %d signed %llu\n", v->pid, v->mine);
	mutex_unlock(&lock);
	return 0;
}

static int __init greeter_init(void)
{
	int err = misc_register(&greeter_device);

	if (err)
		return err;
	if (!proc_create_single("greeter", 0444, NULL, greeter_show)) {
		misc_deregister(&greeter_device);
		return -ENOMEM;
	}
	schedule_delayed_work(&clock, 0);
	return 0;
}
module_init(greeter_init);

static void __exit greeter_exit(void)
{
	cancel_delayed_work_sync(&clock);
	remove_proc_entry("greeter", NULL);
	misc_deregister(&greeter_device);
	pr_info("%llu signatures, goodbye\n", signatures);
}
module_exit(greeter_exit);

MODULE_DESCRIPTION("Greets everyone who signs its guest book");
MODULE_VERSION("warns");
MODULE_LICENSE("GPL");
