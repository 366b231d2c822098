// A disk that does not answer, for the real program: preloaded (LD_PRELOAD), it keeps whoever syncs
// waiting while the file $STALL_SYNCS exists, and whoever makes or renames a file while the file
// $STALL_FILES does.

#include <dlfcn.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

void wait_while_there(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) return;
  constexpr timespec kLook{.tv_sec = 0, .tv_nsec = 5'000'000};
  while (::access(path, F_OK) == 0) ::nanosleep(&kLook, nullptr);
}

template <class Function>
Function* next_named(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

// By their names for the linker: the headers may call their own otherwise.
extern "C" {
int stalled_fdatasync(int fd) __asm__("fdatasync");
int stalled_msync(void* begin, size_t size, int flags) __asm__("msync");
int stalled_fallocate(int fd, off_t at, off_t size) __asm__("posix_fallocate");
int stalled_fallocate64(int fd, off_t at, off_t size) __asm__("posix_fallocate64");
int stalled_rename(const char* from, const char* to) __asm__("rename");

int stalled_fdatasync(int fd) {
  wait_while_there("STALL_SYNCS");
  return next_named<int(int)>("fdatasync")(fd);
}

int stalled_msync(void* begin, size_t size, int flags) {
  wait_while_there("STALL_SYNCS");
  return next_named<int(void*, size_t, int)>("msync")(begin, size, flags);
}

int stalled_fallocate(int fd, off_t at, off_t size) {
  wait_while_there("STALL_FILES");
  return next_named<int(int, off_t, off_t)>("posix_fallocate")(fd, at, size);
}

int stalled_fallocate64(int fd, off_t at, off_t size) { return stalled_fallocate(fd, at, size); }

int stalled_rename(const char* from, const char* to) {
  wait_while_there("STALL_FILES");
  return next_named<int(const char*, const char*)>("rename")(from, to);
}
}
