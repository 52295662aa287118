/* The floor of reconvergence: send each node's batch in the node's namespace.
 *
 * PLAN: number of nodes; for each, a counted path of its namespace ended by a zero, and a counted
 * batch of netlink messages.
 *
 * Usage: install PLAN                prints {"total": ms}
 */
#include "floor.h"

int main(int count, char **arguments) {
    if (count != 2) return fputs("usage: install PLAN\n", stderr), 2;
    size_t size;
    char *at = slurp(arguments[1], &size);
    uint32_t nodes = take_number(&at);

    double began = milliseconds();
    for (uint32_t i = 0; i < nodes; i++) {
        char *path = take_bytes(&at, take_number(&at));
        uint32_t batch_size = take_number(&at);
        char *batch = take_bytes(&at, batch_size);
        int space = check(open(path, O_RDONLY | O_CLOEXEC), path);
        check(setns(space, CLONE_NEWNET), "setns");
        int socket = netlink_socket();
        acknowledge_last(batch, batch_size);
        transact(socket, batch, batch_size);
        close(socket);
        close(space);
    }
    printf("{\"total\": %.3f}\n", milliseconds() - began);
    return 0;
}
