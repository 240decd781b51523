// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach sits at a kernel function as perf and BPF programs do, and counts its calls.
 *
 * usage: attach perf FUNCTION FILE            a perf event of the kprobe PMU
 *        attach kprobe FUNCTION FILE          a BPF program on such an event
 *        attach multi ADDRESS FILE            a BPF program on a link of many kprobes (fprobe)
 *        attach fentry MODULE BTF-ID FILE     a BPF program on a trampoline: "direct call"
 *
 * Writes FILE with the number of calls once it is attached, and anew for each SIGUSR1, each
 * time by renaming a finished one. SIGTERM ends it. Exit status 1: it could not be attached,
 * and the reason is on stderr. The BTF-ID is that of the function's BTF_KIND_FUNC, counted
 * on from the ids of vmlinux, as in /sys/kernel/btf/MODULE.
 */

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CPUS 16

static void die(const char *what)
{
	fprintf(stderr, "attach: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int checked(const char *what, long result)
{
	if (result < 0)
		die(what);
	return (int)result;
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* ---- counting ---- */

static int counter_map = -1;
static int perf_events[MAX_CPUS];
static int n_perf_events;

/* One number, which all calls add to. */
static void create_counter(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(uint64_t),
		.max_entries = 1,
	};

	counter_map = checked("a map", bpf(BPF_MAP_CREATE, &attr));
}

static uint64_t calls(void)
{
	uint64_t sum = 0, one;
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)counter_map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&sum,
	};

	if (counter_map >= 0)
		checked("the map", bpf(BPF_MAP_LOOKUP_ELEM, &attr));
	else
		for (int i = 0; i < n_perf_events; i++) {
			if (read(perf_events[i], &one, sizeof(one)) != sizeof(one))
				die("a perf event");
			sum += one;
		}
	return sum;
}

static void tell(const char *path)
{
	char fresh[4096];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "w");
	if (!file || fprintf(file, "%llu\n", (unsigned long long)calls()) < 0 || fclose(file))
		die(fresh);
	checked(path, rename(fresh, path));
}

/* ---- BPF programs ---- */

/* Loads a program that adds 1 to the counter; the caller says what kind of program it is. */
static int load_program(union bpf_attr attr)
{
	static char log[65536];
	struct bpf_insn code[] = {
		/* r1 = the map, in two halves */
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = counter_map },
		{ 0 },
		/* key: *(u32 *)(fp - 4) = 0 */
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4 },
		/* r2 = fp - 4 */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2 },
		/* lock *(u64 *)r0 += r1 */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 0, .src_reg = 1, .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	long program;

	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof(code) / sizeof(code[0]);
	attr.license = (uintptr_t)"GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	program = bpf(BPF_PROG_LOAD, &attr);
	if (program < 0)
		fputs(log, stderr);
	return checked("a program", program);
}

/* A file for the types of a module. */
static int module_types(const char *module)
{
	union bpf_attr attr = { 0 };

	while (bpf(BPF_BTF_GET_NEXT_ID, &attr) == 0) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		union bpf_attr get = { .btf_id = attr.next_id };
		int file = checked("types", bpf(BPF_BTF_GET_FD_BY_ID, &get));
		union bpf_attr ask = { .info = { .bpf_fd = (uint32_t)file, .info_len = sizeof(info),
						 .info = (uintptr_t)&info } };

		checked("types", bpf(BPF_OBJ_GET_INFO_BY_FD, &ask));
		if (info.kernel_btf && !strcmp(name, module))
			return file;
		close(file);
		attr = (union bpf_attr){ .start_id = attr.next_id };
	}
	die(module);
	return -1;
}

/* ---- the ways to a function ---- */

static void attach_perf(const char *function, int program)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.kprobe_func = (uintptr_t)function,
	};
	FILE *type = fopen("/sys/bus/event_source/devices/kprobe/type", "r");

	if (!type || fscanf(type, "%u", &attr.type) != 1)
		die("the kprobe PMU");
	fclose(type);
	n_perf_events = checked("CPUs", sysconf(_SC_NPROCESSORS_ONLN));
	if (program >= 0)
		n_perf_events = 1; /* the program is called on all CPUs */
	if (n_perf_events > MAX_CPUS)
		n_perf_events = MAX_CPUS;
	for (int cpu = 0; cpu < n_perf_events; cpu++) {
		int event = checked(function, syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
						      PERF_FLAG_FD_CLOEXEC));

		if (program >= 0)
			checked("a program on an event", ioctl(event, PERF_EVENT_IOC_SET_BPF, program));
		perf_events[cpu] = event;
	}
}

static void attach_kprobe(const char *function)
{
	create_counter();
	attach_perf(function, load_program((union bpf_attr){ .prog_type = BPF_PROG_TYPE_KPROBE }));
}

/* By address: until 6.2 no names of modules' functions are looked up. */
static void attach_multi(const char *address)
{
	uint64_t function = strtoull(address, NULL, 16);
	union bpf_attr link = { .link_create = { .attach_type = BPF_TRACE_KPROBE_MULTI } };

	create_counter();
	link.link_create.prog_fd = (uint32_t)load_program((union bpf_attr){
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.expected_attach_type = BPF_TRACE_KPROBE_MULTI,
	});
	link.link_create.kprobe_multi.addrs = (uintptr_t)&function;
	link.link_create.kprobe_multi.cnt = 1;
	checked(address, bpf(BPF_LINK_CREATE, &link));
}

static void attach_fentry(const char *module, const char *id)
{
	union bpf_attr open = { 0 };

	create_counter();
	open.raw_tracepoint.prog_fd = (uint32_t)load_program((union bpf_attr){
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = BPF_TRACE_FENTRY,
		.attach_btf_id = (uint32_t)atoi(id),
		.attach_btf_obj_fd = (uint32_t)module_types(module),
	});
	checked(id, bpf(BPF_RAW_TRACEPOINT_OPEN, &open));
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (argc == 4 && !strcmp(way, "perf")) {
		attach_perf(argv[2], -1);
	} else if (argc == 4 && !strcmp(way, "kprobe")) {
		attach_kprobe(argv[2]);
	} else if (argc == 4 && !strcmp(way, "multi")) {
		attach_multi(argv[2]);
	} else if (argc == 5 && !strcmp(way, "fentry")) {
		attach_fentry(argv[2], argv[3]);
	} else {
		fprintf(stderr, "usage: attach perf|kprobe FUNCTION FILE\n"
				"       attach multi ADDRESS FILE\n"
				"       attach fentry MODULE BTF-ID FILE\n");
		return 2;
	}
	do
		tell(argv[argc - 1]);
	while (sigwait(&signals, &signal) == 0 && signal == SIGUSR1);
	return 0;
}
