// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether a stack can be unwound from every instruction of a piece of code. A kprobe on
 * each walks the stack from the registers as they were there, as an interrupt or a stopped
 * CPU would have to:
 *
 *	probes=N refused=R hits=H errors=E lost=L missed=M
 *	  ADDRESS SYMBOL hits=H errors=E lost=L callers=SYMBOL,SYMBOL,SYMBOL
 *	  ADDRESS SYMBOL refused=ERRNO
 *
 * errors: the unwinder itself found that it could not be relied upon; lost: it met an
 * address that is no code, or no end. callers are what it found above the instruction on the
 * last hit: wrong unwinding data can look right, and skip a frame or see one too many.
 * refused: the kernel does not let this instruction be probed. missed: hits while another
 * probe was handled, which are not counted elsewhere.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/insn.h>
#include <asm/text-patching.h>
#include <asm/unwind.h>

#include "unwind.h"

#define MOST_FRAMES 256
#define CALLERS 3

struct probe {
	struct kprobe kprobe;
	struct list_head list;
	int refused;			/* 0, or the error of register_kprobe() */
	atomic_long_t hits, errors, lost;
	unsigned long callers[CALLERS];	/* 0: no more */
};

static LIST_HEAD(probes);
static int (*decode)(struct insn *insn, const void *code, int size, enum insn_mode mode);

int probes_init(void)
{
	decode = (void *)unexported("insn_decode");
	return decode ? 0 : -ENOENT;
}

static int hit(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct probe *probe = container_of(kprobe, struct probe, kprobe);
	struct pt_regs at = *regs;
	struct unwind_state state;
	unsigned long address;
	bool lost = false;
	int frames = 0;

	/* A breakpoint's registers are those after it. */
	at.ip = (unsigned long)kprobe->addr;
	memset(probe->callers, 0, sizeof(probe->callers));
	for (unwind_start(&state, current, &at, NULL); !unwind_done(&state);
	     unwind_next_frame(&state)) {
		struct pt_regs *entry = unwind_get_entry_regs(&state, NULL);

		if (entry && user_mode(entry))
			continue;	/* it ends here, as it should */
		address = unwind_get_return_address(&state);
		if (frames < CALLERS)
			probe->callers[frames] = address;
		if (!address || ++frames > MOST_FRAMES) {
			lost = true;
			break;
		}
	}
	atomic_long_inc(&probe->hits);
	if (unwind_error(&state))
		atomic_long_inc(&probe->errors);
	if (lost)
		atomic_long_inc(&probe->lost);
	return 0;
}

/* With one of these the kernel does not put a jump in place of several instructions. */
static void after(struct kprobe *kprobe, struct pt_regs *regs, unsigned long flags)
{
}

int probe_at(unsigned long address)
{
	struct probe *probe = kzalloc(sizeof(*probe), GFP_KERNEL);

	if (!probe)
		return -ENOMEM;
	probe->kprobe.addr = (kprobe_opcode_t *)address;
	probe->kprobe.pre_handler = hit;
	probe->kprobe.post_handler = after;
	probe->refused = register_kprobe(&probe->kprobe);
	list_add_tail(&probe->list, &probes);
	return 0;
}

/*
 * Calls for each instruction of a copy of the code, as it was before the first breakpoint.
 * The kernel's own breakpoints behind a return are not there to be reached. An error if the
 * code does not end where an instruction does.
 */
static int each_instruction(unsigned long address, const u8 *code, int length,
			    int (*what)(unsigned long address))
{
	struct insn insn;
	int at = 0, err = 0;

	while (!err && at < length) {
		err = decode(&insn, code + at, length - at, INSN_MODE_KERN);
		if (!err && what && insn.opcode.bytes[0] != INT3_INSN_OPCODE)
			err = what(address + at);
		at += insn.length;
	}
	return err;
}

int probe_range(unsigned long address, unsigned long length)
{
	u8 *code;
	int err;

	if (!length || length > PAGE_SIZE)
		return -EINVAL;
	code = kmalloc(length, GFP_KERNEL);
	if (!code)
		return -ENOMEM;
	err = copy_from_kernel_nofault(code, (void *)address, length);
	if (!err)
		err = each_instruction(address, code, length, NULL);
	if (!err)
		err = each_instruction(address, code, length, probe_at);
	kfree(code);
	return err;
}

void remove_probes(void)
{
	struct probe *probe, *next;

	list_for_each_entry_safe(probe, next, &probes, list) {
		if (!probe->refused)
			unregister_kprobe(&probe->kprobe);
		list_del(&probe->list);
		kfree(probe);
	}
}

static void show_one(struct seq_file *m, const struct probe *probe, unsigned long address)
{
	int i;

	seq_printf(m, "  %lx %pS", address, (void *)address);
	if (probe->refused) {
		seq_printf(m, " refused=%d\n", probe->refused);
		return;
	}
	seq_printf(m, " hits=%ld errors=%ld lost=%ld callers=", atomic_long_read(&probe->hits),
		   atomic_long_read(&probe->errors), atomic_long_read(&probe->lost));
	for (i = 0; i < CALLERS && probe->callers[i]; i++)
		seq_printf(m, "%s%pB", i ? "," : "", (void *)probe->callers[i]);
	seq_putc(m, '\n');
}

void show_probes(struct seq_file *m)
{
	long count = 0, refused = 0, hits = 0, errors = 0, lost = 0, missed = 0;
	struct probe *probe;

	list_for_each_entry(probe, &probes, list) {
		count++;
		refused += !!probe->refused;
		hits += atomic_long_read(&probe->hits);
		errors += atomic_long_read(&probe->errors);
		lost += atomic_long_read(&probe->lost);
		missed += probe->kprobe.nmissed;
	}
	if (!count)
		return;
	seq_printf(m, "probes=%ld refused=%ld hits=%ld errors=%ld lost=%ld missed=%ld\n", count,
		   refused, hits, errors, lost, missed);
	list_for_each_entry(probe, &probes, list)
		show_one(m, probe, (unsigned long)probe->kprobe.addr);
}
