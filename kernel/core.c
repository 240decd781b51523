// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmolt core: what must happen inside the kernel so that a loaded module can
 * be replaced while it is in use.  The kmolt tool decides, the core acts.
 *
 * The way of another build of a module through these files: update.c with
 * check.c (enrolled), stage.c with redirect.c (staged), commit.c with slots.c,
 * stop.c and stack.c (made to answer), unload.c (let go of).  That of editions
 * of functions: editions.c (enrolled), route.c with site.c and switch.c (chosen,
 * call by call), editions.c with stack.c (let go of).  device.c takes the
 * commands, sysfs.c tells, record.c remembers.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/fs.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/umh.h>

#include "internal.h"

/* Taken for a whole command, enrolment or unload; guards every list and state. */
DEFINE_MUTEX(kmolt_mutex);
char kmolt_boot_id[KMOLT_NAME_LEN];
unsigned long kmolt_sequence;

static bool enable = true;
module_param(enable, bool, 0444);
MODULE_PARM_DESC(enable, "0 keeps the core out; also honoured as kmolt.enable=0 on the kernel command line");

static int read_file(const char *path, char *buf, size_t size)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t n;

	if (IS_ERR(file))
		return PTR_ERR(file);
	n = kernel_read(file, buf, size - 1, &pos);
	filp_close(file, NULL);
	if (n < 0)
		return n;
	buf[n] = '\0';
	strim(buf);
	return 0;
}

/* Only modprobe hands over what stands on the command line; insmod does not. */
static int kept_out(void)
{
	char *line = kmolt_alloc(PAGE_SIZE);
	char *rest = line, *word;
	bool out = !enable;

	if (!line)
		return -ENOMEM;
	if (read_file("/proc/cmdline", line, PAGE_SIZE))
		pr_warn("cannot read the kernel command line\n");
	while ((word = strsep(&rest, " ")))
		if (!strcmp(word, "kmolt.enable=0") ||
		    !strcmp(word, "kmolt.enable=n") ||
		    !strcmp(word, "kmolt.enable=N"))
			out = true;
	kvfree(line);
	return out;
}

/**
 * kmolt_remove_module - unload an update module
 * @name: its name
 *
 * The kernel has no call for that; as for loading, it asks user space.
 *
 * Return: 0 if it is unloaded, else a negative error.
 */
int kmolt_remove_module(const char *name)
{
	const char *argv[3] = { "/sbin/rmmod", name, NULL };
	static char * const envp[] = { "HOME=/", "TERM=linux",
				       "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
				       NULL };
	int status = call_usermodehelper(argv[0], (char **)argv, (char **)envp, UMH_WAIT_PROC);

	return status > 0 ? -EBUSY : status;
}

static int __init kmolt_init(void)
{
	int err = kept_out();

	if (err > 0)
		pr_notice("kept out by kmolt.enable=0\n");
	if (err)
		return err > 0 ? -EPERM : err;
	err = read_file("/proc/sys/kernel/random/boot_id", kmolt_boot_id,
			sizeof(kmolt_boot_id));
	if (err) {
		pr_err("cannot read the boot id: error %d\n", err);
		return err;
	}
	err = kmolt_scan_init();
	if (err) {
		pr_err("cannot find the ways of ftrace: error %d\n", err);
		return err;
	}
	err = kmolt_stop_init();
	if (err)
		return err;
	err = kmolt_record_init();
	if (err)
		goto no_record;
	err = kmolt_sysfs_init();
	if (err)
		goto no_sysfs;
	err = kmolt_editions_init();
	if (err)
		goto no_editions;
	err = kmolt_device_init();
	if (err)
		goto no_device;
	pr_info("ready, abi %d\n", KMOLT_ABI);
	return 0;

no_device:
	kmolt_editions_exit();
no_editions:
	kmolt_sysfs_exit();
no_sysfs:
	kmolt_record_exit();
no_record:
	kmolt_stop_exit();
	return err;
}

static void __exit kmolt_cleanup(void)
{
	/* No update module imports us any more, so there are no editions. */
	kmolt_device_exit();
	kmolt_editions_exit();
	kmolt_sysfs_exit();
	/*
	 * kmolt_exit(), and the work of a closed device, put their last
	 * reference on us shortly before they return.
	 */
	synchronize_rcu_tasks();
	rcu_barrier();
	kmolt_record_exit();
	kmolt_stop_exit();
	pr_info("gone\n");
}

module_init(kmolt_init);
module_exit(kmolt_cleanup);

MODULE_DESCRIPTION("Replaces loaded modules in use, and runs editions of functions side by side");
MODULE_AUTHOR("The kmolt authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
/* For the tool, which asks a core's file before it loads it. */
MODULE_INFO(kmolt_abi, __stringify(KMOLT_ABI));
