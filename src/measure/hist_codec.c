#include "measure/hist_codec.h"
