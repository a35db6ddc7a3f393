#include "measure/tally.h"
