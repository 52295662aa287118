/* The floor of a verified catchment: every client sends an ICMP echo and a TCP SYN to every service
 * address; each is looked for in the members' taps, and its answer and both time stamps are read.
 *
 * PLAN: a counted echo and a counted SYN with all that changes left zero; number of addresses, four
 * bytes each; number of members, a counted path of each one's namespace; number of clients, a
 * counted path and four bytes of each.
 *
 * Usage: prober PLAN THREADS     prints {"total": ms, "probes": n, "received": n, "answered": n}
 */
#include "floor.h"
#include "probe_filters.h"
#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <pthread.h>
#include <sys/time.h>

enum { SLOTS = 64, KEPT = 128, CONTROL = 256, AT_ONCE = 32, DRAIN_EVERY = 1024 };
enum { ICMP_ID = 4, ICMP_LATE_ID = 16, ICMP_SUM = 2, TCP_ID = 4, TCP_ACKNOWLEDGED = 8, TCP_SUM = 16 };

struct share { uint32_t from, to; };
struct client { char *space; uint32_t source; };
struct packet { char *bytes; uint32_t size; };
struct sight { int64_t sent, received, replied; int32_t member, copies, answers; };

static struct packet echo, syn;
static uint32_t address_count, member_count, client_count;
static uint32_t *addresses;
static char **members;
static struct client *clients;
static int *taps;
static struct sight *sights;

/* Room to receive a batch of packets and their control messages. */
static __thread struct mmsghdr inbox[SLOTS];
static __thread struct iovec inbox_vectors[SLOTS];
static __thread unsigned char inbox_data[SLOTS][KEPT];
static __thread char inbox_control[SLOTS][CONTROL];

static struct packet take_packet(char **at) {
    struct packet found;
    found.size = take_number(at);
    found.bytes = take_bytes(at, found.size);
    return found;
}

static void read_plan(const char *path) {
    size_t size;
    char *at = slurp(path, &size);
    echo = take_packet(&at), syn = take_packet(&at);
    address_count = take_number(&at);
    addresses = calloc(address_count, sizeof *addresses);
    for (uint32_t i = 0; i < address_count; i++) memcpy(&addresses[i], take_bytes(&at, 4), 4);
    member_count = take_number(&at);
    members = calloc(member_count, sizeof *members);
    for (uint32_t i = 0; i < member_count; i++) members[i] = take_bytes(&at, take_number(&at));
    client_count = take_number(&at);
    clients = calloc(client_count, sizeof *clients);
    for (uint32_t i = 0; i < client_count; i++) {
        clients[i].space = take_bytes(&at, take_number(&at));
        memcpy(&clients[i].source, take_bytes(&at, 4), 4);
    }
}

static void enter(const char *space) {
    int fd = check(open(space, O_RDONLY | O_CLOEXEC), space);
    check(setns(fd, CLONE_NEWNET), "setns");
    close(fd);
}

static int open_tap(const char *space) {
    int on = 1, room = 32 << 20;
    struct sockaddr_ll everywhere = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0003)};
    enter(space);
    int fd = check(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "tap");
    only_probes(fd, KEPT);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    check(bind(fd, (void *)&everywhere, sizeof everywhere), "bind");
    return fd;
}

/* Open a raw socket of a client, with time stamps both ways. */
static int open_raw(uint32_t source, int protocol) {
    int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = source};
    int fd = check(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol), "socket");
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    check(bind(fd, (void *)&own, sizeof own), "bind");
    if (protocol == IPPROTO_TCP) {
        only_answers(fd, KEPT, (unsigned char)syn.bytes[0] << 8 | (unsigned char)syn.bytes[1]);
    } else {
        struct icmp_filter heard = {~(1u << ICMP_ECHOREPLY)};
        setsockopt(fd, SOL_RAW, ICMP_FILTER, &heard, sizeof heard);
    }
    return fd;
}

static int receive(int fd, int flags) {
    for (int i = 0; i < SLOTS; i++) {
        inbox_vectors[i] = (struct iovec){inbox_data[i], KEPT};
        inbox[i].msg_hdr = (struct msghdr){.msg_iov = &inbox_vectors[i], .msg_iovlen = 1,
            .msg_control = inbox_control[i], .msg_controllen = CONTROL};
    }
    return recvmmsg(fd, inbox, SLOTS, flags | MSG_DONTWAIT, NULL);
}

/* The time stamp among a packet's control messages; a sent packet's number goes to *number. */
static int64_t stamp(struct msghdr *message, uint32_t *number) {
    int64_t found = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET) {
            struct timespec *t = (void *)CMSG_DATA(c);
            found = t->tv_sec * 1000000000LL + t->tv_nsec;
        } else if (number) {
            *number = ((uint32_t *)CMSG_DATA(c))[3]; /* ee_data of struct sock_extended_err */
        }
    }
    return found;
}

static uint32_t number_at(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static struct sight *sight_of(uint32_t id) {
    return id < client_count * address_count * 2 ? &sights[id] : NULL;
}

static void drain_taps(void) {
    static pthread_mutex_t draining = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&draining);
    for (uint32_t m = 0; m < member_count; m++) {
        int got;
        do {
            got = receive(taps[m], 0);
            for (int i = 0; i < got; i++) {
                unsigned char *transport = inbox_data[i] + 20;
                int tcp = inbox_data[i][9] == IPPROTO_TCP;
                int request = tcp ? transport[13] == 2 : transport[0] == ICMP_ECHO;
                struct sight *s = sight_of(number_at(transport + (tcp ? TCP_ID : ICMP_ID)));
                if (!request || !s) continue;
                s->received = stamp(&inbox[i].msg_hdr, NULL);
                s->member = m;
                s->copies++;
            }
        } while (got == SLOTS);
    }
    pthread_mutex_unlock(&draining);
}

static void collect_answers(int fd, int tcp, uint32_t first) {
    int got;
    do {
        got = receive(fd, MSG_ERRQUEUE);
        for (int i = 0; i < got; i++) {
            uint32_t number = 0;
            int64_t when = stamp(&inbox[i].msg_hdr, &number);
            if (number < address_count) sights[first + number].sent = when;
        }
    } while (got == SLOTS);
    do {
        got = receive(fd, 0);
        for (int i = 0; i < got; i++) {
            unsigned char *transport = inbox_data[i] + 20;
            uint32_t id = tcp ? number_at(transport + TCP_ACKNOWLEDGED) - 1
                              : number_at(transport + ICMP_ID);
            struct sight *s = sight_of(id);
            if (!s) continue;
            s->replied = stamp(&inbox[i].msg_hdr, NULL);
            s->answers++;
        }
    } while (got == SLOTS);
}

static uint32_t add_words(const void *data, uint32_t size, uint32_t sum) {
    const uint16_t *words = data;
    for (uint32_t i = 0; i < size / 2; i++) sum += words[i];
    return sum;
}

static void put_checksum(char *place, uint32_t sum) {
    uint16_t folded;
    while (sum >> 16) sum = (sum >> 16) + (sum & 0xffff);
    folded = ~sum;
    memcpy(place, &folded, 2);
}

static void fill(char *to, int tcp, uint32_t id, uint32_t source, uint32_t destination) {
    struct packet shape = tcp ? syn : echo;
    uint32_t wire = htonl(id);
    memcpy(to, shape.bytes, shape.size);
    memset(to + (tcp ? TCP_SUM : ICMP_SUM), 0, 2);
    memcpy(to + (tcp ? TCP_ID : ICMP_ID), &wire, 4);
    if (tcp) {
        uint32_t sum = add_words(&source, 4, add_words(&destination, 4, 0));
        sum += htons(IPPROTO_TCP) + htons(shape.size);
        put_checksum(to + TCP_SUM, add_words(to, shape.size, sum));
    } else {
        memcpy(to + ICMP_LATE_ID, &wire, 4);
        put_checksum(to + ICMP_SUM, add_words(to, shape.size, 0));
    }
}

static void send_all(int fd, int tcp, struct client *client, uint32_t first) {
    static __thread char packets[1024][64];
    static __thread struct sockaddr_in names[1024];
    static __thread struct iovec vectors[1024];
    static __thread struct mmsghdr outbox[1024];
    for (uint32_t i = 0; i < address_count; i++) {
        fill(packets[i], tcp, first + i, client->source, addresses[i]);
        names[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = addresses[i]};
        vectors[i] = (struct iovec){packets[i], tcp ? syn.size : echo.size};
        outbox[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_namelen = sizeof names[i],
            .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    for (uint32_t at = 0; at < address_count;) {
        uint32_t left = address_count - at;
        at += check(sendmmsg(fd, outbox + at, left < AT_ONCE ? left : AT_ONCE, 0), "sendmmsg");
        collect_answers(fd, tcp, first);
    }
}

static void probe_from(struct client *client, uint32_t first) {
    enter(client->space);
    for (int tcp = 0; tcp < 2; tcp++, first += address_count) {
        int fd = open_raw(client->source, tcp ? IPPROTO_TCP : IPPROTO_ICMP);
        send_all(fd, tcp, client, first);
        close(fd);
    }
}

static void *probe_share(void *argument) {
    struct share *share = argument;
    uint32_t undrained = 0;
    for (uint32_t i = share->from; i < share->to; i++) {
        probe_from(&clients[i], i * address_count * 2);
        undrained += address_count * 2;
        if (undrained >= DRAIN_EVERY) drain_taps(), undrained = 0;
    }
    return NULL;
}

static void probe_all(uint32_t threads) {
    pthread_t running[threads];
    struct share shares[threads];
    for (uint32_t i = 0; i < threads; i++) {
        shares[i] = (struct share){client_count * i / threads, client_count * (i + 1) / threads};
        check(-pthread_create(&running[i], NULL, probe_share, &shares[i]), "thread");
    }
    for (uint32_t i = 0; i < threads; i++) pthread_join(running[i], NULL);
    drain_taps();
}

int main(int count, char **arguments) {
    if (count != 3) return fputs("usage: prober PLAN THREADS\n", stderr), 2;
    read_plan(arguments[1]);
    uint32_t probes = client_count * address_count * 2, received = 0, answered = 0;
    taps = calloc(member_count, sizeof *taps);
    for (uint32_t i = 0; i < member_count; i++) taps[i] = open_tap(members[i]);

    double began = milliseconds();
    sights = calloc(probes, sizeof *sights);
    probe_all(strtoul(arguments[2], NULL, 10));
    for (uint32_t i = 0; i < probes; i++) {
        received += sights[i].copies == 1;
        answered += sights[i].answers == 1;
    }
    printf("{\"total\": %.3f, \"probes\": %u, \"received\": %u, \"answered\": %u}\n",
           milliseconds() - began, probes, received, answered);
    return 0;
}
