#include "measure/hist.h"
