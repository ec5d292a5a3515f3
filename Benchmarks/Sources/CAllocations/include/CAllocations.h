#ifndef C_ALLOCATIONS_H
#define C_ALLOCATIONS_H

#include <stdint.h>

/// How often this process has asked for memory since it began: malloc, calloc, realloc and their aligned sisters.
uint64_t allocation_count(void);

#endif
