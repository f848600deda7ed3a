// To be preloaded: malloc, and how many bytes it was asked for.
#include <stdatomic.h>
#include <stddef.h>

void* __libc_malloc(size_t bytes);

static atomic_size_t asked;

void* malloc(size_t bytes) {
  asked += bytes;
  return __libc_malloc(bytes);
}

size_t bytes_asked(void) { return asked; }
