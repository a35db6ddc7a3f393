#include "measure/outcome.h"
