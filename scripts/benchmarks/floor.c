/* The floor of bringing a lab up: carry out a plan (plan.py) in the fastest way known.
 *
 * One process, no threads; a namespace by unshare(2); sysctls through a procfs of its own, renewed
 * as its cache fills; all links in one batch, then one batch a node; names as symbolic links.
 *
 * Usage: floor PLAN DIRECTORY        names go to DIRECTORY and are removed again
 * Prints {"namespaces": ms, "links": ms, "nodes": ms, "names": ms, "total": ms}.
 */
#include "floor.h"
#include <sys/resource.h>
#include <sys/syscall.h>

enum { RENEW_EVERY = 32 };

struct sysctl { char *path, *value; uint32_t length; };
struct space {
    char *name, *batch;
    struct sysctl *sysctls;
    uint32_t sysctl_count, batch_size;
    int descriptor, socket;
};

static struct space *spaces;
static char *veths;
static uint32_t *ends;
static uint32_t space_count, veth_count, veth_size, near_at, far_at;

static void read_plan(const char *path) {
    size_t size;
    char *at = slurp(path, &size);
    space_count = take_number(&at);
    spaces = calloc(space_count, sizeof *spaces);
    for (struct space *s = spaces; s < spaces + space_count; s++) {
        s->name = take_bytes(&at, take_number(&at));
        s->sysctl_count = take_number(&at);
        s->sysctls = calloc(s->sysctl_count + 1, sizeof *s->sysctls);
        for (uint32_t i = 0; i < s->sysctl_count; i++) {
            s->sysctls[i].path = take_bytes(&at, take_number(&at));
            s->sysctls[i].length = take_number(&at);
            s->sysctls[i].value = take_bytes(&at, s->sysctls[i].length);
        }
        s->batch_size = take_number(&at);
        s->batch = take_bytes(&at, s->batch_size);
        acknowledge_last(s->batch, s->batch_size);
    }
    veth_count = take_number(&at);
    veth_size = take_number(&at);
    near_at = take_number(&at);
    far_at = take_number(&at);
    ends = (uint32_t *)take_bytes(&at, veth_count * 2 * sizeof *ends);
    veths = take_bytes(&at, veth_count * veth_size);
    acknowledge_last(veths, veth_count * veth_size);
}

static int private_procfs(void) {
    int context = check(syscall(SYS_fsopen, "proc", 1), "fsopen");
    check(syscall(SYS_fsconfig, context, 6, NULL, NULL, 0), "fsconfig");
    int mount = check(syscall(SYS_fsmount, context, 1, 0), "fsmount");
    close(context);
    return mount;
}

static void write_sysctl(int procfs, const struct sysctl *s) {
    int fd = check(openat(procfs, s->path, O_WRONLY | O_CLOEXEC), s->path);
    check(write(fd, s->value, s->length), s->path);
    close(fd);
}

static void make_namespaces(void) {
    int procfs = -1;
    for (uint32_t i = 0; i < space_count; i++) {
        struct space *s = &spaces[i];
        check(unshare(CLONE_NEWNET), "unshare");
        s->descriptor = check(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "ns/net");
        s->socket = netlink_socket();
        if (i % RENEW_EVERY == 0) {
            if (procfs >= 0) close(procfs);
            procfs = private_procfs();
        }
        for (uint32_t k = 0; k < s->sysctl_count; k++) write_sysctl(procfs, &s->sysctls[k]);
    }
    close(procfs);
}

static void make_links(int workshop) {
    for (uint32_t i = 0; i < veth_count; i++) {
        char *message = veths + (size_t)i * veth_size;
        memcpy(message + near_at, &spaces[ends[2 * i]].descriptor, 4);
        memcpy(message + far_at, &spaces[ends[2 * i + 1]].descriptor, 4);
    }
    transact(workshop, veths, (size_t)veth_count * veth_size);
}

static void name_all(const char *directory) {
    char target[64], path[512];
    for (uint32_t i = 0; i < space_count; i++) {
        snprintf(target, sizeof target, "/proc/%d/fd/%d", getpid(), spaces[i].descriptor);
        snprintf(path, sizeof path, "%s/%s", directory, spaces[i].name);
        check(symlink(target, path), path);
    }
}

static void remove_names(const char *directory) {
    char path[512];
    for (uint32_t i = 0; i < space_count; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, spaces[i].name);
        check(unlink(path), path);
    }
}

int main(int count, char **arguments) {
    if (count != 3) return fputs("usage: floor PLAN DIRECTORY\n", stderr), 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    read_plan(arguments[1]);

    double began = milliseconds();
    check(unshare(CLONE_NEWNET), "unshare");
    int workshop = netlink_socket();
    make_namespaces();
    double namespaces = milliseconds();
    make_links(workshop);
    double links = milliseconds();
    for (uint32_t i = 0; i < space_count; i++)
        transact(spaces[i].socket, spaces[i].batch, spaces[i].batch_size);
    double nodes = milliseconds();
    name_all(arguments[2]);
    double names = milliseconds();
    printf("{\"namespaces\": %.3f, \"links\": %.3f, \"nodes\": %.3f, \"names\": %.3f, \"total\": %.3f}\n",
           namespaces - began, links - namespaces, nodes - links, names - nodes, names - began);
    remove_names(arguments[2]);
    return 0;
}
