/*
 * Preloaded into a process: its fsync or fdatasync number FAIL_SYNC_AT fails with EIO, once, as a disk would report
 * it. Every call from then on is counted into the file FAIL_SYNC_LOG, with its file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int calls;

static int sync_or_fail(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const char *at = getenv("FAIL_SYNC_AT");
  const char *log = getenv("FAIL_SYNC_LOG");
  calls++;
  if (at && log && calls >= atoi(at)) {
    FILE *file = fopen(log, "a");
    if (file) {
      char link[64], path[4096];
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, path, sizeof path);
      fprintf(file, "%s %d %.*s\n", name, calls, length < 0 ? 0 : (int)length, path);
      fclose(file);
    }
    if (calls == atoi(at)) {
      errno = EIO;
      return -1;
    }
  }
  return real(fd);
}

int fsync(int fd) { return sync_or_fail("fsync", fd); }
int fdatasync(int fd) { return sync_or_fail("fdatasync", fd); }
