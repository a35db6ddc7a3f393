/* hist_ns.c - what one tsp_hist_record costs, in ns, over values as they come in a run. */
#include <stdio.h>

#include "base/clock.h"
#include "measure/hist.h"

#define RECORDS 20000000

int main(void)
{
    struct tsp_hist *h = tsp_hist_new();
    if (!h)
        return 1;
    uint64_t dice = 1;
    int64_t from = tsp_now_ns();
    for (int i = 0; i < RECORDS; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        tsp_hist_record(h, (int64_t)(dice >> 40)); /* 0 .. 16.8 ms */
    }
    int64_t took = tsp_now_ns() - from;
    printf("%.2f\n", (double)took / RECORDS);
    tsp_hist_free(h);
    return 0;
}
