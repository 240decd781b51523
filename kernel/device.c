// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kmolt: one command a line, one reply of lines that ends in "ok" or in
 * "error NAME: TEXT".  docs/abi.md lists the commands.
 *
 * Who has it open owns what is enrolled and staged; closing it discards that.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/audit.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "internal.h"

/* A module that is being loaded cannot be unloaded yet; a task may be inside. */
#define CLEANUP_RETRIES	50
#define CLEANUP_WAIT_MS	100
/* How long closing waits for all that to be done. */
#define CLOSE_WAIT_MS	5000

struct kmolt_session __rcu *kmolt_owner;
/* Serialises the readers and writers of one open file. */
static DEFINE_MUTEX(file_mutex);

/**
 * kmolt_refuse - keep, for the session and in the log, why something is refused
 * @fmt: what to say; one line without its end
 */
void kmolt_refuse(const char *fmt, ...)
{
	struct kmolt_session *session =
		rcu_dereference_protected(kmolt_owner,
					  lockdep_is_held(&kmolt_mutex));
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_notice("refused: %pV\n", &vaf);
	va_end(args);
	if (!session)
		return;
	va_start(args, fmt);
	vscnprintf(session->refusal, sizeof(session->refusal), fmt, args);
	va_end(args);
}

/**
 * kmolt_refuse_for - refuse for an error that somebody else has returned
 * @name: of the module
 * @what: what has failed
 * @err: the error, negative
 */
void kmolt_refuse_for(const char *name, const char *what, int err)
{
	if (err == -ENOMEM)
		kmolt_refuse("%s: there is not enough memory", name);
	else
		kmolt_refuse("%s: %s: error %d", name, what, err);
}

/**
 * kmolt_session_open - whether somebody holds the device who may enrol updates
 *
 * Called with kmolt_mutex.  Return: whether that is so.
 */
bool kmolt_session_open(void)
{
	struct kmolt_session *session =
		rcu_dereference_protected(kmolt_owner,
					  lockdep_is_held(&kmolt_mutex));

	return session && !READ_ONCE(session->closing);
}

/* The file. */

static void tidy_up(struct work_struct *work);

static int device_open(struct inode *inode, struct file *file)
{
	struct kmolt_session *session;
	int err = 0;

	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	/* Whoever is at work may hold the mutex for long. */
	if (rcu_access_pointer(kmolt_owner))
		return -EBUSY;
	session = kmolt_alloc(sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->reply = kmolt_alloc(KMOLT_REPLY_SIZE);
	if (!session->reply) {
		kvfree(session);
		return -ENOMEM;
	}
	refcount_set(&session->refs, 2);
	INIT_WORK(&session->tidy, tidy_up);
	init_completion(&session->tidied);
	session->owner = task_tgid_nr(current);
	session->uid = from_kuid(&init_user_ns, current_uid());
	session->auid = from_kuid(&init_user_ns, audit_get_loginuid(current));
	get_task_comm(session->comm, current);

	mutex_lock(&kmolt_mutex);
	if (rcu_access_pointer(kmolt_owner))
		err = -EBUSY;
	else
		rcu_assign_pointer(kmolt_owner, session);
	mutex_unlock(&kmolt_mutex);
	if (err) {
		kvfree(session->reply);
		kvfree(session);
		return err;
	}
	file->private_data = session;
	return stream_open(inode, file);
}

static ssize_t device_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	struct kmolt_session *session = file->private_data;
	size_t i;
	char c;

	mutex_lock(&file_mutex);
	for (i = 0; i < count; i++) {
		if (get_user(c, from + i)) {
			mutex_unlock(&file_mutex);
			return -EFAULT;
		}
		if (c != '\n') {
			if (session->line_len >= sizeof(session->line) - 1) {
				session->line_len = 0;
				mutex_unlock(&file_mutex);
				return -EINVAL;
			}
			session->line[session->line_len++] = c;
			continue;
		}
		session->line[session->line_len] = '\0';
		session->line_len = 0;
		kmolt_run(session, session->line);
	}
	mutex_unlock(&file_mutex);
	return count;
}

static ssize_t device_read(struct file *file, char __user *to, size_t count,
			   loff_t *pos)
{
	struct kmolt_session *session = file->private_data;
	ssize_t n;

	mutex_lock(&file_mutex);
	n = min(count, session->reply_len - session->reply_read);
	if (copy_to_user(to, session->reply + session->reply_read, n))
		n = -EFAULT;
	else
		session->reply_read += n;
	mutex_unlock(&file_mutex);
	return n;
}

/*
 * Discards the first edition, or module with dispatchers, that a session left
 * behind unused; @name is set if its module is to be unloaded, too.
 */
static bool discard_leftover(const struct kmolt_session *session, char *name,
			     size_t size)
{
	struct kmolt_routing *routing = kmolt_unused_routing();
	struct kmolt_edition *edition;
	struct kmolt_base *base;

	if (routing) {
		strscpy(name, routing->mod->name, size);
		return true;
	}
	list_for_each_entry(base, &kmolt_bases, node)
		list_for_each_entry(edition, &base->editions, node)
			if (!base->going &&
			    (edition->state == KMOLT_ENROLLED ||
			     edition->state == KMOLT_STAGED)) {
				pr_notice("%s: discarded, its owner pid %d (%s) has let go of it (build-id %*phN)\n",
					  edition->name, session->owner,
					  session->comm, KMOLT_BUILD_ID_LEN,
					  edition->build_id);
				kmolt_discard(edition);
				if (!edition->pinned)
					strscpy(name, edition->name, size);
				return true;
			}
	return false;
}

/*
 * Makes the first edition that was reverted or dropped, and could be freed, ready
 * to be unloaded; @name is set if there was one.  Each of them once in this
 * @closing, as somebody else may keep it.
 */
static void retire_leftover(unsigned long closing, char *name, size_t size)
{
	struct kmolt_edition *edition;
	struct kmolt_base *base;

	list_for_each_entry(base, &kmolt_bases, node)
		list_for_each_entry(edition, &base->editions, node) {
			struct kmolt_outcome outcome = KMOLT_OUTCOME;
			int err;

			if (edition->state != KMOLT_RETIRED || edition->sticky ||
			    edition->tidied == closing || base->going)
				continue;
			/* Who made it ready is gone; or somebody unloads it. */
			if (!edition->pinned && module_refcount(edition->mod))
				continue;
			err = kmolt_retire(edition, &outcome);
			kmolt_scan_free(outcome.scan);
			if (err)
				continue;
			edition->tidied = closing;
			strscpy(name, edition->name, size);
			return;
		}
}

static void remove_leftover(const char *name)
{
	int i;

	for (i = 0; i < CLEANUP_RETRIES; i++) {
		if (!kmolt_remove_module(name))
			return;
		msleep(CLEANUP_WAIT_MS);
	}
	pr_notice("%s: stays loaded, unused; rmmod removes it\n", name);
}

static void put_session(struct kmolt_session *session)
{
	if (!refcount_dec_and_test(&session->refs))
		return;
	kvfree(session->reply);
	kvfree_rcu(session, rcu);
}

/*
 * Takes back what a session has left behind.  Apart from whoever closes it, who
 * may be about to die, or to tell somebody why it has given up.
 */
static void tidy_up(struct work_struct *work)
{
	static unsigned long closings;
	struct kmolt_session *session = container_of(work, struct kmolt_session,
						     tidy);
	char name[MODULE_NAME_LEN];
	bool left;

	mutex_lock(&kmolt_mutex);
	closings++;
	mutex_unlock(&kmolt_mutex);
	do {
		name[0] = '\0';
		mutex_lock(&kmolt_mutex);
		left = discard_leftover(session, name, sizeof(name));
		mutex_unlock(&kmolt_mutex);
		if (name[0])
			remove_leftover(name);
	} while (left);
	do {
		name[0] = '\0';
		mutex_lock(&kmolt_mutex);
		retire_leftover(closings, name, sizeof(name));
		mutex_unlock(&kmolt_mutex);
		if (name[0])
			remove_leftover(name);
	} while (name[0]);
	mutex_lock(&kmolt_mutex);
	rcu_assign_pointer(kmolt_owner, NULL);
	mutex_unlock(&kmolt_mutex);
	complete(&session->tidied);
	put_session(session);
	module_put(THIS_MODULE);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct kmolt_session *session = file->private_data;

	/* Nothing new is enrolled, and nobody else is let in, until all is gone. */
	WRITE_ONCE(session->closing, true);
	__module_get(THIS_MODULE);
	queue_work(system_unbound_wq, &session->tidy);
	/* Unhooking and unloading wait for every CPU; one may be lost for long. */
	if (wait_for_completion_timeout(&session->tidied,
					msecs_to_jiffies(CLOSE_WAIT_MS)))
		/* Then nothing of us is in use any more. */
		flush_work(&session->tidy);
	put_session(session);
	return 0;
}

static const struct file_operations device_ops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.read = device_read,
	.write = device_write,
	.release = device_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmolt",
	.fops = &device_ops,
	.mode = 0600,
};

int kmolt_device_init(void)
{
	return kmolt_fails() ? -ENOMEM : misc_register(&device);
}

void kmolt_device_exit(void)
{
	misc_deregister(&device);
}
