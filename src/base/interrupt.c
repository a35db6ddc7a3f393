#include "base/interrupt.h"
