// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmolt-load keeps a mounted file system, the greeter device of the examples, or pipes
 * busy with many processes, and checks the result of all that they do.
 *
 * usage: kmolt-load [OPTION...] DIRECTORY
 *        kmolt-load [OPTION...] --greeter DEVICE
 *        kmolt-load [OPTION...] --pipes
 *
 *	--procs N	processes (4)
 *	--for SECONDS	stop then (default: on SIGTERM or SIGINT)
 *	--seed S	same seed, same operations (1)
 *	--small		few and small files, for a file system of a few megabytes
 *	--report FILE	rewrite FILE about once a second with one line of KEY=VALUE:
 *			state elapsed procs iterations mismatches errors written read
 *			stalled (seconds since the slowest process last did anything)
 *	--grace SECONDS	how long to wait for the processes at the end (300)
 *	--keep		leave the files there
 *
 * At the end everything is verified once more, and one line is printed:
 *	iterations=N mismatches=N errors=N
 * Exit status: 0 nothing wrong, 1 a mismatch or an error, 2 usage, 3 cannot run here.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define MESSAGES 20		/* that one process prints at most */

struct shared *shared;
struct tally *me;
static struct tally parents;	/* what the parent itself counts */
static int whoami = -1;

bool stopping(void)
{
	return atomic_load_explicit(&shared->stop, memory_order_relaxed);
}

void next_iteration(void)
{
	atomic_fetch_add_explicit(&me->iterations, 1, memory_order_relaxed);
}

void enter(enum phase phase)
{
	atomic_store(&me->phase, phase);
}

static void print(const char *kind, const char *fmt, va_list args, const char *reason)
{
	static int printed;
	char text[512];

	if (++printed > MESSAGES)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	if (whoami < 0)
		fprintf(stderr, "kmolt-load: %s%s%s%s\n", kind, text, *reason ? ": " : "", reason);
	else
		fprintf(stderr, "kmolt-load[%d]: %s%s%s%s%s\n", whoami, kind, text,
			*reason ? ": " : "", reason,
			printed == MESSAGES ? " (no more messages from this process)" : "");
}

void fail(const char *fmt, ...)
{
	const char *reason = errno ? strerror(errno) : "";
	va_list args;

	atomic_fetch_add(&me->errors, 1);
	va_start(args, fmt);
	print("error: ", fmt, args, reason);
	va_end(args);
}

void mismatch(const char *fmt, ...)
{
	va_list args;

	atomic_fetch_add(&me->mismatches, 1);
	va_start(args, fmt);
	print("mismatch: ", fmt, args, "");
	va_end(args);
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print("", fmt, args, "");
	va_end(args);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- the processes ---- */

struct child {
	pid_t pid;		/* 0: has ended */
	uint64_t iterations;	/* when last looked at */
	double active;		/* when that changed */
};

static struct child children[MAX_PROCS];

static void start_process(const struct workload *load, const struct options *opt, int index)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	pid_t parent = getpid(), pid;
	sigset_t all;

	pid = fork();
	if (pid < 0) {
		fail("fork");
		return;
	}
	if (pid) {
		children[index].pid = pid;
		children[index].active = now();
		return;
	}
	/* The parent decides when to stop; but without a parent there is no point. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigaction(SIGTERM, &ignore, NULL);
	sigaction(SIGINT, &ignore, NULL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	whoami = index;
	me = &shared->tally[index];
	load->run(opt, index);
	enter(DONE);
	_exit(0);
}

static int collect(int procs)
{
	int left = 0, status;

	for (int i = 0; i < procs; i++) {
		struct child *c = &children[i];

		if (!c->pid)
			continue;
		if (waitpid(c->pid, &status, WNOHANG) != c->pid) {
			left++;
			continue;
		}
		errno = 0;
		if (WIFSIGNALED(status))
			fail("process %d was killed by signal %d (%s)", i, WTERMSIG(status),
			     strsignal(WTERMSIG(status)));
		else if (WEXITSTATUS(status))
			fail("process %d ended with status %d", i, WEXITSTATUS(status));
		c->pid = 0;
	}
	return left;
}

/* ---- the report ---- */

static struct tally sum(int procs)
{
	struct tally total = {
		.mismatches = parents.mismatches, .errors = parents.errors, .phase = DONE,
	};

	for (int i = 0; i < procs; i++) {
		struct tally *t = &shared->tally[i];

		total.iterations += t->iterations;
		total.mismatches += t->mismatches;
		total.errors += t->errors;
		total.written += t->written;
		total.read += t->read;
		if (children[i].pid && t->phase < total.phase)
			total.phase = t->phase;
	}
	return total;
}

static double longest_stall(int procs)
{
	double t = now(), longest = 0;

	for (int i = 0; i < procs; i++) {
		struct child *c = &children[i];
		uint64_t iterations = shared->tally[i].iterations;

		if (iterations != c->iterations)
			c->active = t;
		c->iterations = iterations;
		if (c->pid && t - c->active > longest)
			longest = t - c->active;
	}
	return longest;
}

static void report(const struct options *opt, double started)
{
	static const char *const phases[] = { "starting", "running", "verifying", "done" };
	double stalled = longest_stall(opt->procs);
	struct tally t = sum(opt->procs);
	char temp[4096];
	FILE *f;

	if (!opt->report)
		return;
	snprintf(temp, sizeof(temp), "%s.tmp", opt->report);
	f = fopen(temp, "w");
	if (!f) {
		fail("%s", temp);
		return;
	}
	fprintf(f, "state=%s elapsed=%.0f procs=%d iterations=%llu mismatches=%llu errors=%llu written=%llu read=%llu stalled=%.0f\n",
		phases[t.phase], now() - started, opt->procs, (unsigned long long)t.iterations,
		(unsigned long long)t.mismatches, (unsigned long long)t.errors,
		(unsigned long long)t.written, (unsigned long long)t.read, stalled);
	if (fclose(f) || rename(temp, opt->report))
		fail("%s", opt->report);
}

/* ---- main ---- */

static void usage(const char *problem)
{
	fprintf(stderr, "kmolt-load: %s\nusage: kmolt-load [--procs N] [--for SECONDS] [--seed S] "
		"[--small] [--report FILE]\n                  [--grace SECONDS] [--keep] "
		"DIRECTORY | --greeter DEVICE | --pipes\n", problem);
	exit(2);
}

static long number(const char *text, long min, long max)
{
	char *end;
	long n = strtol(text, &end, 0);

	if (!*text || *end || n < min || n > max)
		usage("a number is missing or out of range");
	return n;
}

static const struct workload *parse(int argc, char **argv, struct options *opt)
{
	static const struct option names[] = {
		{ "procs", required_argument, NULL, 'p' },
		{ "for", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "small", no_argument, NULL, 'm' },
		{ "report", required_argument, NULL, 'r' },
		{ "grace", required_argument, NULL, 'g' },
		{ "keep", no_argument, NULL, 'k' },
		{ "greeter", required_argument, NULL, 'd' },
		{ "pipes", no_argument, NULL, 'i' },
		{ }
	};
	const struct workload *load = &files_workload;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'p': opt->procs = number(optarg, 1, MAX_PROCS); break;
		case 'f': opt->seconds = number(optarg, 1, 1000000); break;
		case 's': opt->seed = strtoull(optarg, NULL, 0); break;
		case 'm': opt->small = true; break;
		case 'r': opt->report = optarg; break;
		case 'g': opt->grace = number(optarg, 1, 1000000); break;
		case 'k': opt->keep = true; break;
		case 'd': opt->target = optarg; load = &greeter_workload; break;
		case 'i': opt->target = "pipes"; load = &pipes_workload; break;
		default: usage("unknown option");
		}
	}
	if (optind < argc && !opt->target)
		opt->target = argv[optind++];
	if (optind < argc || !opt->target)
		usage("exactly one directory or device is needed");
	return load;
}

int main(int argc, char **argv)
{
	struct options opt = { .seed = 1, .procs = 4, .grace = 300 };
	const struct workload *load = parse(argc, argv, &opt);
	const struct timespec second = { .tv_sec = 1 };
	double started = now(), stopped = 0;
	struct tally t;
	sigset_t events;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("kmolt-load: mmap");
		return 3;
	}
	me = &parents;
	sigemptyset(&events);
	sigaddset(&events, SIGTERM);
	sigaddset(&events, SIGINT);
	sigaddset(&events, SIGCHLD);
	sigprocmask(SIG_BLOCK, &events, NULL);

	if (!load->prepare(&opt))
		return 3;
	for (int i = 0; i < opt.procs; i++)
		start_process(load, &opt, i);
	if (load->started)
		load->started(&opt);

	while (collect(opt.procs)) {
		int sig = sigtimedwait(&events, NULL, &second);

		if (!stopped && (sig == SIGTERM || sig == SIGINT ||
				 (opt.seconds && now() - started >= opt.seconds))) {
			atomic_store(&shared->stop, true);
			stopped = now();
		}
		/* Whoever sleeps in a read is to look whether to stop. */
		for (int i = 0; stopped && i < opt.procs; i++)
			if (children[i].pid)
				kill(children[i].pid, SIGTERM);
		if (stopped && now() - stopped > opt.grace) {
			errno = 0;
			fail("not all processes ended within %d seconds", opt.grace);
			break;
		}
		if (sig != SIGCHLD)
			report(&opt, started);
	}
	for (int i = 0; i < opt.procs; i++)
		if (children[i].pid)
			kill(children[i].pid, SIGKILL);
	load->finish(&opt);
	report(&opt, started);

	t = sum(opt.procs);
	printf("iterations=%llu mismatches=%llu errors=%llu\n", (unsigned long long)t.iterations,
	       (unsigned long long)t.mismatches, (unsigned long long)t.errors);
	return t.mismatches || t.errors ? 1 : 0;
}
