/* hist_codec.h - HdrHistogram's V2 compressed text form, so that other tools
 * (HdrHistogram plotters, hdr_decode, wrk2's friends) read our histograms.
 *
 * Format: base64 of { cookie 0x1c849314, length, zlib of { cookie 0x1c849313,
 * length, normalizing offset 0, figures 3, lowest, highest, ratio 1.0,
 * ZigZag-LEB128 counts with runs of zeros as negatives } }, big endian.
 * Source: HdrHistogram, AbstractHistogram.encodeIntoCompressedByteBuffer (V2).
 * The exact min and max are not part of the format: a decoded histogram has
 * those of its buckets.
 */
#ifndef TSP_MEASURE_HIST_CODEC_H
#define TSP_MEASURE_HIST_CODEC_H

#include "base/err.h"
#include "measure/hist.h"

/* NUL-terminated text that the caller frees; NULL = out of memory. */
char *tsp_hist_encode(const struct tsp_hist *h);

/* A new histogram that the caller frees. Garbage, a V0/V1 text, or other
 * figures or range than ours: NULL and a sentence in err. Memory is bounded
 * whatever the text says. */
struct tsp_hist *tsp_hist_decode(const char *text, size_t len, struct tsp_err *err);

#endif
