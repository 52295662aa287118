/* Measure a blackhole: a stream of ICMP echo requests every 0.2 ms, and the longest gap in it.
 *
 * The gap runs from the first request that got no answer to the next one that did.
 *
 * Usage: stream NAMESPACE SOURCE DESTINATION
 * Writes "ready" at the first answer, streams until its standard input ends and a while longer, then
 * prints {"window": ms, "pause": ms, "lost": requests, "sent": requests}.
 */
#include "floor.h"
#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>

enum { REQUESTS = 65536, AFTER_THE_END = 500, IDENTIFIER = 0xA11C };
static const double INTERVAL = 0.2, LINGER = 100;

static double sent_at[REQUESTS];
static char answered[REQUESTS];

static uint16_t checksum(const void *data, int size) {
    const uint16_t *words = data;
    uint32_t sum = 0;
    for (int i = 0; i < size / 2; i++) sum += words[i];
    sum = (sum >> 16) + (sum & 0xffff);
    return ~(sum + (sum >> 16));
}

static void request(int fd, int number) {
    struct icmphdr echo = {.type = ICMP_ECHO};
    echo.un.echo.id = htons(IDENTIFIER);
    echo.un.echo.sequence = htons(number);
    echo.checksum = checksum(&echo, sizeof echo);
    sent_at[number] = milliseconds();
    send(fd, &echo, sizeof echo, 0); /* while nobody is reachable it may fail: that is a loss */
}

/* Note every answer that waits; return how many there were. */
static int read_answers(int fd) {
    char packet[256];
    int count = 0;
    while (recv(fd, packet, sizeof packet, MSG_DONTWAIT) >= 28) {
        struct icmphdr *echo = (void *)(packet + 20);
        if (echo->type == ICMP_ECHOREPLY && echo->un.echo.id == htons(IDENTIFIER)) {
            answered[ntohs(echo->un.echo.sequence)] = 1;
            count++;
        }
    }
    return count;
}

static int open_raw(const char *space, const char *source, const char *destination) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    check(setns(check(open(space, O_RDONLY | O_CLOEXEC), space), CLONE_NEWNET), "setns");
    int fd = check(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "socket");
    inet_pton(AF_INET, source, &address.sin_addr);
    check(bind(fd, (void *)&address, sizeof address), "bind");
    inet_pton(AF_INET, destination, &address.sin_addr);
    check(connect(fd, (void *)&address, sizeof address), "connect");
    return fd;
}

/* Print the gap, and the longest time in it in which nothing was sent. */
static void print_longest_gap(int sent) {
    double window = 0, pause = 0;
    int lost = 0;
    for (int i = 0; i < sent; i++) {
        if (answered[i]) continue;
        double longest = 0;
        int next = i;
        while (next < sent && !answered[next]) {
            next++;
            double apart = next < sent ? sent_at[next] - sent_at[next - 1] : 0;
            if (apart > longest) longest = apart;
        }
        double gap = sent_at[next < sent ? next : sent - 1] - sent_at[i];
        if (gap > window) window = gap, pause = longest;
        lost += next - i;
        i = next;
    }
    printf("{\"window\": %.3f, \"pause\": %.3f, \"lost\": %d, \"sent\": %d}\n", window, pause, lost,
           sent);
}

int main(int count, char **arguments) {
    if (count != 4) return fputs("usage: stream NAMESPACE SOURCE DESTINATION\n", stderr), 2;
    int fd = open_raw(arguments[1], arguments[2], arguments[3]);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    int sent = 0, told = 0, end = REQUESTS;
    double next = milliseconds();
    while (sent < end) {
        if (end == REQUESTS && poll(&input, 1, 0) && sent + AFTER_THE_END < end)
            end = sent + AFTER_THE_END;
        if (read_answers(fd) && !told) told = printf("ready\n"), fflush(stdout);
        if (milliseconds() < next) continue;
        next = milliseconds() + INTERVAL;
        request(fd, sent++);
    }
    for (double until = milliseconds() + LINGER; milliseconds() < until;) read_answers(fd);
    print_longest_gap(sent);
    return 0;
}
