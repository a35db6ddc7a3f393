#include "load/stages.h"
