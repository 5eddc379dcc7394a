/* A disk that is full while the file named by FULL_DISK_WHILE exists: loaded in front of the C library (LD_PRELOAD), it
 * lets no write to a regular file succeed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int full(int fd) {
  struct stat info;
  const char* flag = getenv("FULL_DISK_WHILE");
  if (!flag || access(flag, F_OK) != 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  errno = ENOSPC;
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void* data, size_t size) { return full(fd) ? -1 : NEXT(write)(fd, data, size); }
ssize_t writev(int fd, const struct iovec* parts, int count) { return full(fd) ? -1 : NEXT(writev)(fd, parts, count); }
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  return full(fd) ? -1 : NEXT(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  return full(fd) ? -1 : NEXT(pwrite64)(fd, data, size, at);
}
int fallocate(int fd, int mode, off_t at, off_t size) { return full(fd) ? -1 : NEXT(fallocate)(fd, mode, at, size); }
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  return full(fd) ? -1 : NEXT(fallocate64)(fd, mode, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) { return full(fd) ? ENOSPC : NEXT(posix_fallocate)(fd, at, size); }
int posix_fallocate64(int fd, off64_t at, off64_t size) {
  return full(fd) ? ENOSPC : NEXT(posix_fallocate64)(fd, at, size);
}
