/*
 * Preloaded into a process: its reads of files below FAIL_READ_IN fail with EIO, as a disk reports it. Number FAIL_READ_AT alone fails,
 * or with FAIL_READ_ON that and all after it. The file FAIL_READ_LOG has each read that failed, and without FAIL_READ_AT each read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int calls;

static int fails(int fd) {
  const char *folder = getenv("FAIL_READ_IN");
  if (!folder || fd <= 2) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strncmp(path, folder, strlen(folder)) != 0) return 0;
  int call = __sync_add_and_fetch(&calls, 1);
  const char *at = getenv("FAIL_READ_AT"), *log = getenv("FAIL_READ_LOG");
  int failing = at && (call == atoi(at) || (getenv("FAIL_READ_ON") && call > atoi(at)));
  FILE *file = log && (failing || !at) ? fopen(log, "a") : NULL;
  if (file) {
    fprintf(file, "%s\n", path);
    fclose(file);
  }
  return failing;
}

ssize_t read(int fd, void *bytes, size_t count) {
  ssize_t (*real)(int, void *, size_t) = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
  if (!fails(fd)) return real(fd, bytes, count);
  errno = EIO;
  return -1;
}

ssize_t pread(int fd, void *bytes, size_t count, off_t at) {
  ssize_t (*real)(int, void *, size_t, off_t) = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
  if (!fails(fd)) return real(fd, bytes, count, at);
  errno = EIO;
  return -1;
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) {
  ssize_t (*real)(int, void *, size_t, off64_t) = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
  if (!fails(fd)) return real(fd, bytes, count, at);
  errno = EIO;
  return -1;
}
