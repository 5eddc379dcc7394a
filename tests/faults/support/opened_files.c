/* Writes every path that the program opens to the file named by OPENED_FILES (LD_PRELOAD): what a request made the server
 * touch, seen from below. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int record = -1;

__attribute__((constructor)) static void begin(void) {
  const char* name = getenv("OPENED_FILES");
  if (name) record = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(const char* path) {
  char line[4200];
  const int size = path && record >= 0 ? snprintf(line, sizeof line, "%.4096s\n", path) : 0;
  if (size > 0 && write(record, line, (size_t)size) < 0) record = -1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define MODE                                       \
  mode_t mode = 0;                                 \
  if (flags & (O_CREAT | O_TMPFILE)) {             \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    mode = va_arg(rest, mode_t);                   \
    va_end(rest);                                  \
  }                                                \
  note(path)

int open(const char* path, int flags, ...) {
  MODE;
  return NEXT(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE;
  return NEXT(open64)(path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE;
  return NEXT(openat)(folder, path, flags, mode);
}
int openat64(int folder, const char* path, int flags, ...) {
  MODE;
  return NEXT(openat64)(folder, path, flags, mode);
}
FILE* fopen(const char* path, const char* how) {
  note(path);
  return NEXT(fopen)(path, how);
}
FILE* fopen64(const char* path, const char* how) {
  note(path);
  return NEXT(fopen64)(path, how);
}
int mkdir(const char* path, mode_t mode) {
  note(path);
  return NEXT(mkdir)(path, mode);
}
int unlink(const char* path) {
  note(path);
  return NEXT(unlink)(path);
}
int rename(const char* from, const char* to) {
  note(from);
  note(to);
  return NEXT(rename)(from, to);
}
