#pragma once

// Tells AddressSanitizer which bytes of our own pools are free, so that it finds use after free
// there too.
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define SL_POISON(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define SL_UNPOISON(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#else
#define SL_POISON(address, bytes) static_cast<void>(address)
#define SL_UNPOISON(address, bytes) static_cast<void>(address)
#endif
