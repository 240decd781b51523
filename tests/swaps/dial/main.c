// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose builds differ in one constant.  A read gives two 64-bit
 * numbers: the setting, and how often it was read or written by anyone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

/* What the tests look for in the code, and put another number in place of. */
#define DIAL_SETTING	0x5eed0000

struct visitor {
	struct list_head list;
	struct timer_list timer;
	bool idle;
};

static u64 uses, chimes;
static LIST_HEAD(visitors);
static DEFINE_MUTEX(lock);

static void chime(struct work_struct *work);
static DECLARE_DELAYED_WORK(clock, chime);

static void chime(struct work_struct *work)
{
	WRITE_ONCE(chimes, chimes + 1);
	schedule_delayed_work(&clock, HZ / 100);
}

static void visitor_idles(struct timer_list *timer)
{
	struct visitor *v = from_timer(v, timer, timer);

	WRITE_ONCE(v->idle, true);
}

static noinline u64 setting(void)
{
	u64 value = DIAL_SETTING;

	/* One instruction that holds it, however it is used. */
	OPTIMIZER_HIDE_VAR(value);
	return value;
}

static int dial_open(struct inode *inode, struct file *file)
{
	struct visitor *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (!v)
		return -ENOMEM;
	timer_setup(&v->timer, visitor_idles, 0);
	mutex_lock(&lock);
	list_add_tail(&v->list, &visitors);
	mutex_unlock(&lock);
	file->private_data = v;
	return nonseekable_open(inode, file);
}

static int dial_release(struct inode *inode, struct file *file)
{
	struct visitor *v = file->private_data;

	mutex_lock(&lock);
	list_del(&v->list);
	mutex_unlock(&lock);
	del_timer_sync(&v->timer);
	kfree(v);
	return 0;
}

static void use(struct file *file, u64 *answer)
{
	struct visitor *v = file->private_data;

	mutex_lock(&lock);
	answer[0] = setting();
	answer[1] = ++uses;
	mutex_unlock(&lock);
	WRITE_ONCE(v->idle, false);
	mod_timer(&v->timer, jiffies + HZ / 50);
}

static ssize_t dial_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	u64 answer[2];

	if (size < sizeof(answer))
		return -EINVAL;
	use(file, answer);
	return copy_to_user(to, answer, sizeof(answer)) ? -EFAULT : sizeof(answer);
}

static ssize_t dial_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	u64 answer[2];

	use(file, answer);
	return size;
}

static long dial_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	return setting();
}

static const struct file_operations dial_fops = {
	.owner = THIS_MODULE,
	.open = dial_open,
	.release = dial_release,
	.read = dial_read,
	.write = dial_write,
	.unlocked_ioctl = dial_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dial",
	.fops = &dial_fops,
	.mode = 0666,
};

static int __init dial_init(void)
{
	int err = misc_register(&device);

	if (!err)
		schedule_delayed_work(&clock, HZ / 100);
	return err;
}
module_init(dial_init);

static void __exit dial_exit(void)
{
	misc_deregister(&device);
	cancel_delayed_work_sync(&clock);
}
module_exit(dial_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a device whose builds differ in one constant");
