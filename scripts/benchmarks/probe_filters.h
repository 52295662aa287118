/* What the prober's sockets let through: filters the kernel runs, so that it reads little else. */
#include <linux/filter.h>
#include <netinet/in.h>

static void filter(int fd, struct sock_filter *code, int length) {
    struct sock_fprog program = {length, code};
    check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), "filter");
}

/* Echo requests and replies, SYNs and SYN-ACKs, of IPv4 and not on lo. */
static void only_probes(int fd, int kept) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 8, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 6),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20 + 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, kept),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    filter(fd, code, sizeof code / sizeof *code);
}

/* What comes back to the port the SYNs were sent from. */
static void only_answers(int fd, int kept, int port) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20 + 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, kept),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    filter(fd, code, sizeof code / sizeof *code);
}
