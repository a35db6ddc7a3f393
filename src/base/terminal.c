#include "base/terminal.h"
