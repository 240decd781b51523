// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load on the greeter device of examples/chardev, any version of it. Process 0 is a
 * reader that mostly sleeps in the module; the others sign the book, look for their own
 * signatures, ask for the counts and read /proc/greeter.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "load.h"

/* As in the module. */
#define GREETER_SIGNED	_IOR('g', 1, uint64_t)
#define GREETER_MINE	_IOR('g', 2, uint64_t)

static unsigned long long at_start;

struct greeter {
	int index;
	struct rng rng;
	int fd;				/* open from beginning to end */
	unsigned long long mine;	/* signed through it */
	unsigned long long signatures;	/* known to exist */
	unsigned long long seen[MAX_PROCS];	/* the latest of each process */
};

static unsigned long long ask(int fd, unsigned long cmd)
{
	uint64_t answer = 0;

	if (ioctl(fd, cmd, &answer))
		fail("ioctl");
	return answer;
}

static bool prepare(const struct options *opt)
{
	int fd = open(opt->target, O_RDWR);

	if (fd < 0) {
		fail("%s", opt->target);
		return false;
	}
	at_start = ask(fd, GREETER_SIGNED);
	close(fd);
	return true;
}

static void interrupted(int sig)
{
	(void)sig;
}

/* A count never goes back. */
static void check_count(struct greeter *g, const char *what, unsigned long long count)
{
	if (count < g->signatures)
		mismatch("%s says %llu signatures, but there were %llu", what, count,
			 g->signatures);
	else
		g->signatures = count;
}

/* "Hello, w3-17!" and whatever a version adds; others than us may have signed as well. */
static void check_line(struct greeter *g, const char *line)
{
	const char *name = strstr(line, ", ");
	unsigned int who;
	unsigned long long number;
	int end = 0;

	if (!isupper((unsigned char)*line) || !name || !strchr(name, '!')) {
		mismatch("greeting \"%s\"", line);
		return;
	}
	if (sscanf(name, ", w%u-%llu%n", &who, &number, &end) != 2 || name[end] != '!' ||
	    who >= MAX_PROCS)
		return;
	/* The signature may be there a moment before its writer has counted it. */
	if (number > shared->tally[who].marks + 1)
		mismatch("greeting \"%s\", but only %llu were signed", line,
			 (unsigned long long)shared->tally[who].marks);
	if (number <= g->seen[who])
		mismatch("greeting \"%s\" after number %llu", line, g->seen[who]);
	g->seen[who] = number;
}

/* Reads once. false: nothing there, or interrupted. */
static bool hear(struct greeter *g, int fd)
{
	char text[1024];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 || text[n - 1] != '\n') {
		if (n >= 0)
			errno = 0;
		fail("read of the device gave %zd", n);
		return false;
	}
	atomic_fetch_add(&me->read, n);
	text[n] = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;)
		check_line(g, line);
	return true;
}

static void sign(struct greeter *g)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "w%d-%llu", g->index, g->mine + 1);

	if (write(g->fd, name, n) != n) {
		fail("write to the device");
		return;
	}
	g->mine++;
	atomic_store(&me->marks, g->mine);
	atomic_fetch_add(&me->written, n);
	if (ask(g->fd, GREETER_MINE) != g->mine)
		mismatch("the device counts %llu signatures of mine, I count %llu",
			 ask(g->fd, GREETER_MINE), g->mine);
}

static void read_proc(struct greeter *g)
{
	FILE *f = fopen("/proc/greeter", "r");
	unsigned long long count;
	bool found = false;
	char line[256];

	if (!f) {
		fail("/proc/greeter");
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "signatures %llu", &count) == 1) {
			check_count(g, "/proc/greeter", count);
			found = true;
		}
	}
	fclose(f);
	if (!found)
		mismatch("/proc/greeter tells no signatures");
}

/* Somebody who comes, hears something and goes. */
static void visit(struct greeter *g, const struct options *opt)
{
	struct greeter visitor = { .index = g->index };
	int fd = open(opt->target, O_RDWR | O_NONBLOCK);

	if (fd < 0) {
		fail("%s", opt->target);
		return;
	}
	while (hear(&visitor, fd) && rng_below(&g->rng, 4))
		;
	close(fd);
}

static void step(struct greeter *g, const struct options *opt)
{
	switch (rng_below(&g->rng, 8)) {
	case 0:
		read_proc(g);
		break;
	case 1:
		visit(g, opt);
		break;
	case 2:
	case 3:
		check_count(g, "the device", ask(g->fd, GREETER_SIGNED));
		break;
	case 4:
		/* Not busy all the time: this is a device, not a disk. */
		usleep(1000);
		break;
	default:
		sign(g);
		while (hear(g, g->fd))
			;
	}
}

static void run(const struct options *opt, int index)
{
	struct sigaction sleepers = { .sa_handler = interrupted };
	struct greeter g = { .index = index, .rng.state = opt->seed * MAX_PROCS + index };
	bool sleeps = index == 0 && opt->procs > 1;

	sigaction(SIGTERM, &sleepers, NULL);
	g.fd = open(opt->target, O_RDWR | (sleeps ? 0 : O_NONBLOCK));
	if (g.fd < 0) {
		fail("%s", opt->target);
		return;
	}
	enter(RUNNING);
	while (!stopping()) {
		if (sleeps)
			hear(&g, g.fd);
		else
			step(&g, opt);
		next_iteration();
	}
	enter(VERIFYING);
	if (ask(g.fd, GREETER_MINE) != g.mine)
		mismatch("at the end the device counts %llu signatures of mine, I count %llu",
			 ask(g.fd, GREETER_MINE), g.mine);
	close(g.fd);
}

/* Nothing that was signed may have been lost. */
static void finish(const struct options *opt)
{
	int fd = open(opt->target, O_RDWR);
	unsigned long long expected = at_start, count;

	for (int i = 0; i < opt->procs; i++)
		expected += shared->tally[i].marks;
	if (fd < 0) {
		fail("%s", opt->target);
		return;
	}
	count = ask(fd, GREETER_SIGNED);
	if (count < expected)
		mismatch("the device has %llu signatures, there must be %llu", count, expected);
	close(fd);
}

const struct workload greeter_workload = {
	.prepare = prepare,
	.run = run,
	.finish = finish,
};
