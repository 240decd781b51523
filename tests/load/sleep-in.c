// SPDX-License-Identifier: GPL-2.0-only
/*
 * sleep-in makes a task sleep inside a module's or the kernel's code, for as long as one
 * likes: what a change in "wait" mode must name as a blocker.
 *
 * usage: sleep-in read FILE	in the file system's read_iter
 *        sleep-in write FILE	in its write_iter
 *        sleep-in readdir DIR	in its iterate_shared
 *        sleep-in device FILE	in a device's read, as there is nothing to be read
 *        sleep-in pipe NAME	in pipe_read, as the pipe is empty; the task's comm is NAME
 *
 * The first three hand the system call a buffer whose pages are missing. The kernel
 * faults on it amid the call, and the fault is left unanswered (userfaultfd). So the
 * task sleeps below the file system's function, if that one is on the stack: readdir
 * always is. minix puts generic_file_read_iter and generic_file_write_iter of the kernel
 * proper into its table, and ext4's read_iter ends in a jump to the former.
 *
 * Once the task sleeps one line says so:
 *	sleeping pid=PID tid=TID
 * and its kernel stack follows where /proc/PID/stack can be read, each line indented.
 * SIGTERM, SIGINT or the end of standard input (if that is a pipe) lets the task go on;
 * for a device, interrupts it; for a pipe, puts one byte into it. Then the call's result
 * is printed: "woke result=N", or "woke error=TEXT". Exit status: 0, or 1 when the task
 * could not be put to sleep.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

static const char *how, *path;
static void *buffer;		/* one page that is not there */
static int file;
static _Atomic pid_t sleeper;
static _Atomic bool told;	/* that it sleeps */
static pthread_t thread;

static void die(const char *what)
{
	fprintf(stderr, "sleep-in: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *sleep_now(void *unused)
{
	long n;

	(void)unused;
	sleeper = gettid();
	if (!strcmp(how, "write"))
		n = write(file, buffer, 16);
	else if (!strcmp(how, "readdir"))
		n = syscall(SYS_getdents64, file, buffer, PAGE);
	else
		n = read(file, buffer, PAGE);
	if (n < 0)
		printf("woke error=%s\n", strerror(errno));
	else
		printf("woke result=%ld\n", n);
	fflush(stdout);
	_exit(told ? 0 : 1);
}

/* Leaves faults on the buffer to us. */
static int take_over_faults(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (unsigned long)buffer, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		die("userfaultfd");
	return fd;
}

static void answer_fault(int fd)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (unsigned long)buffer, .len = PAGE },
	};

	if (ioctl(fd, UFFDIO_ZEROPAGE, &zero))
		die("UFFDIO_ZEROPAGE");
}

static void wait_for_fault(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&poll_fd, 1, 60000) <= 0 || read(fd, &msg, sizeof(msg)) != sizeof(msg)) {
		errno = ETIMEDOUT;
		die("the call does not touch the buffer");
	}
}

static char state_of(pid_t tid)
{
	char name[64], text[256] = "", *p;
	int fd;

	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);
	fd = open(name, O_RDONLY);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			die(name);
		close(fd);
	}
	p = strrchr(text, ')');
	return p && p[1] ? p[2] : '?';
}

/* The task has entered the call, and sleeps whenever one looks. */
static void wait_until_asleep(void)
{
	int quiet = 0;

	for (int i = 0; i < 6000 && quiet < 5; i++) {
		char state = sleeper ? state_of(sleeper) : 'R';

		quiet = state == 'S' || state == 'D' ? quiet + 1 : 0;
		usleep(10000);
	}
	if (quiet < 5) {
		errno = ETIMEDOUT;
		die("the task does not sleep");
	}
}

static void tell(void)
{
	char name[64], line[256];
	FILE *f;

	told = true;
	printf("sleeping pid=%d tid=%d\n", getpid(), sleeper);
	snprintf(name, sizeof(name), "/proc/self/task/%d/stack", sleeper);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f))
		printf("  %s", line);
	if (f)
		fclose(f);
	fflush(stdout);
}

static void wait_for_release(const sigset_t *signals)
{
	struct pollfd fds[] = {
		{ .fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	struct stat st;
	char c;

	if (fstat(STDIN_FILENO, &st) || !S_ISFIFO(st.st_mode))
		fds[1].fd = -1;
	for (;;) {
		if (poll(fds, 2, -1) < 0 || fds[0].revents)
			return;
		if (fds[1].revents && read(STDIN_FILENO, &c, 1) <= 0)
			return;
	}
}

/* What is to sleep reads from the pipe that is returned; *feed is its other end. */
static int empty_pipe(const char *comm, int *feed)
{
	int fds[2];

	/* The sleeper inherits the name. */
	if (pipe(fds) || prctl(PR_SET_NAME, comm))
		die("pipe");
	*feed = fds[1];
	return fds[0];
}

static void let_go_on(int faults, int feed)
{
	if (faults >= 0)
		answer_fault(faults);
	else if (feed < 0)
		pthread_kill(thread, SIGUSR1);
	else if (write(feed, "", 1) != 1)
		die("write");
}

static void nothing(int sig)
{
	(void)sig;
}

int main(int argc, char **argv)
{
	struct sigaction wake = { .sa_handler = nothing };
	bool by_fault, in_pipe;
	sigset_t signals;
	int faults = -1, feed = -1;

	if (argc != 3 || (strcmp(argv[1], "read") && strcmp(argv[1], "write") &&
			  strcmp(argv[1], "readdir") && strcmp(argv[1], "device") &&
			  strcmp(argv[1], "pipe"))) {
		fprintf(stderr, "usage: sleep-in read|write|readdir|device PATH\n"
			"       sleep-in pipe NAME\n");
		return 2;
	}
	how = argv[1];
	path = argv[2];
	in_pipe = !strcmp(how, "pipe");
	by_fault = strcmp(how, "device") && !in_pipe;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	sigaction(SIGUSR1, &wake, NULL);

	if (in_pipe)
		file = empty_pipe(path, &feed);
	else
		file = open(path, !strcmp(how, "write") ? O_RDWR | O_CREAT : O_RDONLY, 0600);
	if (file < 0)
		die(path);
	buffer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		die("mmap");
	if (by_fault)
		faults = take_over_faults();
	errno = pthread_create(&thread, NULL, sleep_now, NULL);
	if (errno)
		die("thread");
	if (by_fault)
		wait_for_fault(faults);
	wait_until_asleep();
	tell();
	wait_for_release(&signals);
	let_go_on(faults, feed);
	pthread_join(thread, NULL);
	return 0;
}
