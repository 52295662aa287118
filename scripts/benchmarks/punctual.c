/* The floor of a punctual sender: wake at each slot's moment, and do nothing. No processor sleeps.
 *
 * Usage: punctual INTERVAL_NS SLOTS LATE_NS     prints {"late": percent of the slots}
 */
#include "floor.h"
#include <sys/prctl.h>
#include <time.h>

static long long nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int count, char **arguments) {
    if (count != 4) return fputs("usage: punctual INTERVAL_NS SLOTS LATE_NS\n", stderr), 2;
    long long interval = atoll(arguments[1]), limit = atoll(arguments[3]);
    int slots = atoi(arguments[2]), late = 0;
    struct sched_param first = {.sched_priority = 1};
    check(prctl(PR_SET_TIMERSLACK, 1), "prctl");
    check(sched_setscheduler(0, SCHED_FIFO, &first), "sched_setscheduler");
    int awake = open("/dev/cpu_dma_latency", O_WRONLY), least = 0;
    if (awake >= 0) check(write(awake, &least, sizeof least), "cpu_dma_latency");
    long long due = nanoseconds();
    for (int i = 0; i < slots; i++) {
        due += interval;
        struct timespec moment = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL);
        if (nanoseconds() - due > limit) late++;
    }
    printf("{\"late\": %.4f}\n", 100.0 * late / slots);
    return 0;
}
