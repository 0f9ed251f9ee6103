/* For build scripts: chance gives the same every time. They iterate over hash tables, whose order would be another one
   in each build. Only preloaded where nothing is fetched and no key is made. */
#include <string.h>
#include <sys/types.h>

ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
  (void)flags;
  memset(bytes, 7, count);
  return (ssize_t)count;
}
