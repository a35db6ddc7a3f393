#include "base/field.h"
