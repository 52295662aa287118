/* What the C floors share: a clock, netlink batches, reading a file. */
#ifndef FLOOR_H
#define FLOOR_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline int check(int result, const char *what) {
    if (result < 0) die(what);
    return result;
}

/* A rtnetlink socket in the namespace the process is in, its buffers large enough for any batch. */
static inline int netlink_socket(void) {
    int fd = check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
    int size = 64 << 20, on = 1;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    return fd;
}

static inline int went_with_its_interface(int error) {
    return error == -ESRCH || error == -ENODEV || error == -ENOENT;
}

/* Read answers until the acknowledgement. Any error ends the program, but for what a route that went
 * with its interface answers to its removal. */
static inline void collect(int fd) {
    static char answers[1 << 16];
    for (;;) {
        int got = check(recv(fd, answers, sizeof answers, 0), "recv");
        for (struct nlmsghdr *h = (void *)answers; NLMSG_OK(h, (unsigned)got); h = NLMSG_NEXT(h, got)) {
            if (h->nlmsg_type != NLMSG_ERROR) continue;
            struct nlmsgerr *e = NLMSG_DATA(h);
            if (e->error && !went_with_its_interface(e->error)) {
                errno = -e->error;
                die("the kernel refused a message");
            }
            if (e->msg.nlmsg_flags & NLM_F_ACK) return;
        }
    }
}

/* Mark the last of a batch of messages: it asks for an acknowledgement. */
static inline void acknowledge_last(char *batch, size_t size) {
    size_t at = 0, last = 0;
    while (at < size) {
        last = at;
        at += NLMSG_ALIGN(((struct nlmsghdr *)(batch + at))->nlmsg_len);
    }
    if (size) ((struct nlmsghdr *)(batch + last))->nlmsg_flags |= NLM_F_ACK;
}

/* Carry out a batch whose last message asks for an acknowledgement. */
static inline void transact(int fd, const char *batch, size_t size) {
    if (!size) return;
    check(send(fd, batch, size, 0), "send");
    collect(fd);
}

/* Read a whole file. */
static inline char *slurp(const char *path, size_t *size) {
    struct stat st;
    int fd = check(open(path, O_RDONLY | O_CLOEXEC), path);
    check(fstat(fd, &st), path);
    char *text = malloc(st.st_size + 1);
    for (off_t at = 0; at < st.st_size;) at += check(read(fd, text + at, st.st_size - at), path);
    close(fd);
    *size = st.st_size;
    return text;
}

/* Take the next 32-bit number, or the next so many bytes, of a file in memory. */
static inline uint32_t take_number(char **at) {
    uint32_t value;
    memcpy(&value, *at, sizeof value);
    *at += sizeof value;
    return value;
}

static inline char *take_bytes(char **at, uint32_t size) {
    char *start = *at;
    *at += size;
    return start;
}
#endif
