/* The floor of route insertion: one namespace, COUNT host routes encoded and sent in one batch.
 *
 * PLAN has two counted parts: the batch that prepares the namespace, which it knows as descriptor 0,
 * and one route message, filled in for 20.0.0.0; the others differ in the destination only.
 *
 * Usage: routes PLAN COUNT           prints {"total": ms}
 */
#include "floor.h"
#include <arpa/inet.h>

enum { DESTINATION = NLMSG_HDRLEN + sizeof(struct rtmsg) + sizeof(struct rtattr) };

int main(int count, char **arguments) {
    if (count != 3) return fputs("usage: routes PLAN COUNT\n", stderr), 2;
    size_t size;
    char *at = slurp(arguments[1], &size);
    uint32_t prepare_size = take_number(&at);
    char *prepare = take_bytes(&at, prepare_size);
    uint32_t message_size = take_number(&at);
    char *message = take_bytes(&at, message_size);
    uint32_t routes = atoi(arguments[2]);

    check(unshare(CLONE_NEWNET), "unshare");
    int space = check(open("/proc/thread-self/ns/net", O_RDONLY), "ns/net");
    check(dup2(space, 0), "dup2");
    int socket = netlink_socket();
    acknowledge_last(prepare, prepare_size);
    transact(socket, prepare, prepare_size);

    double began = milliseconds();
    char *batch = malloc((size_t)routes * message_size);
    for (uint32_t i = 0; i < routes; i++) {
        uint32_t destination = htonl(0x14000000 + i);
        memcpy(batch + (size_t)i * message_size, message, message_size);
        memcpy(batch + (size_t)i * message_size + DESTINATION, &destination, sizeof destination);
    }
    acknowledge_last(batch, (size_t)routes * message_size);
    transact(socket, batch, (size_t)routes * message_size);
    printf("{\"total\": %.3f}\n", milliseconds() - began);
    return 0;
}
