#include "thread_state.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace simul::os {
namespace {

struct Call {
  long number;
  std::string_view name;
  CallKind kind;
  bool of_descriptor = false;  // is that its first argument?
};

// Those that wait. The older ones don't exist on newer architectures.
constexpr Call kCalls[] = {
    {SYS_nanosleep, "nanosleep", CallKind::sleep},
    {SYS_clock_nanosleep, "clock_nanosleep", CallKind::sleep},
#ifdef SYS_pause
    {SYS_pause, "pause", CallKind::sleep},
#endif
    {SYS_read, "read", CallKind::file, true},
    {SYS_readv, "readv", CallKind::file, true},
    {SYS_pread64, "pread64", CallKind::file, true},
    {SYS_preadv, "preadv", CallKind::file, true},
    {SYS_write, "write", CallKind::file, true},
    {SYS_writev, "writev", CallKind::file, true},
    {SYS_pwrite64, "pwrite64", CallKind::file, true},
    {SYS_pwritev, "pwritev", CallKind::file, true},
    {SYS_fsync, "fsync", CallKind::file, true},
    {SYS_fdatasync, "fdatasync", CallKind::file, true},
    {SYS_sync_file_range, "sync_file_range", CallKind::file, true},
    {SYS_sync, "sync", CallKind::file},
    {SYS_msync, "msync", CallKind::file},
#ifdef SYS_open
    {SYS_open, "open", CallKind::file},
    {SYS_unlink, "unlink", CallKind::file},
    {SYS_rename, "rename", CallKind::file},
    {SYS_stat, "stat", CallKind::file},
#endif
    {SYS_openat, "openat", CallKind::file},
    {SYS_close, "close", CallKind::file},
    {SYS_unlinkat, "unlinkat", CallKind::file},
    {SYS_renameat2, "renameat2", CallKind::file},
    {SYS_statx, "statx", CallKind::file},
    {SYS_newfstatat, "newfstatat", CallKind::file},
    {SYS_getdents64, "getdents64", CallKind::file, true},
    {SYS_fallocate, "fallocate", CallKind::file, true},
    {SYS_ftruncate, "ftruncate", CallKind::file, true},
    {SYS_copy_file_range, "copy_file_range", CallKind::file},
    {SYS_sendfile, "sendfile", CallKind::file},
    {SYS_flock, "flock", CallKind::lock, true},
    {SYS_fcntl, "fcntl", CallKind::lock},
    {SYS_futex, "futex", CallKind::lock},
#ifdef SYS_poll
    {SYS_poll, "poll", CallKind::network},
    {SYS_select, "select", CallKind::network},
    {SYS_epoll_wait, "epoll_wait", CallKind::network},
#endif
    {SYS_ppoll, "ppoll", CallKind::network},
    {SYS_pselect6, "pselect6", CallKind::network},
    {SYS_epoll_pwait, "epoll_pwait", CallKind::network},
    {SYS_connect, "connect", CallKind::network},
    {SYS_accept, "accept", CallKind::network},
    {SYS_accept4, "accept4", CallKind::network},
    {SYS_recvfrom, "recvfrom", CallKind::network},
    {SYS_recvmsg, "recvmsg", CallKind::network},
    {SYS_recvmmsg, "recvmmsg", CallKind::network},
    {SYS_sendto, "sendto", CallKind::network},
    {SYS_sendmsg, "sendmsg", CallKind::network},
    {SYS_sendmmsg, "sendmmsg", CallKind::network},
    {SYS_wait4, "wait4", CallKind::child},
    {SYS_waitid, "waitid", CallKind::child},
};

/// A file of /proc, as much of it as matters here.
std::string read_of(pid_t thread, const char* name) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/" + name;
  std::array<char, 512> text{};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return {};
  }
  const ssize_t size = ::read(file, text.data(), text.size());
  ::close(file);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

/// The clock of a thread's processor time, as the kernel numbers it (pthread_getcpuclockid wants a pthread_t).
clockid_t clock_of(pid_t thread) noexcept {
  constexpr int kPerThread = 4;
  constexpr int kScheduled = 2;
  return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | kPerThread | kScheduled);
}

/// "/srv/journal", "socket:[4711]"; empty if there is no such descriptor.
std::string file_of(unsigned long descriptor) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  std::array<char, 256> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

/// From "35 0x1 0x7f... ..."; from "running", or "-1 ..." for a thread that was stopped elsewhere, nothing.
std::optional<BlockingCall> blocking_call(const std::string& text) {
  const char* const end = text.data() + text.size();
  long number = -1;
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || number < 0) {
    return std::nullopt;
  }
  const auto* const known = std::ranges::find(kCalls, number, &Call::number);
  if (known == std::end(kCalls)) {
    return BlockingCall{.name = "system call " + std::to_string(number)};
  }
  BlockingCall call{.name = std::string(known->name), .kind = known->kind};
  unsigned long argument = 0;
  constexpr std::string_view kBefore = " 0x";
  if (known->of_descriptor && std::string_view(parsed.ptr, end).starts_with(kBefore) &&
      std::from_chars(parsed.ptr + kBefore.size(), end, argument, 16).ec == std::errc()) {
    call.file = file_of(argument);
    if (!call.file.empty() && !call.file.starts_with('/')) {
      call.kind = CallKind::network;  // a socket, a pipe
    }
  }
  return call;
}

}  // namespace

ThreadState thread_state(pid_t thread) {
  ThreadState state;
  state.call = blocking_call(read_of(thread, "syscall"));
  // "4711 (name, which may hold anything) S ..."
  const std::string stat = read_of(thread, "stat");
  const std::size_t name_end = stat.rfind(')');
  state.uninterruptible = name_end != std::string::npos && stat.substr(name_end).starts_with(") D");
  return state;
}

std::optional<BlockingCall> call_of_function(std::string_view function) {
  const auto* const known = std::ranges::find(kCalls, function, &Call::name);
  if (known == std::end(kCalls)) {
    return std::nullopt;
  }
  return BlockingCall{.name = std::string(known->name), .kind = known->kind};
}

Duration processor_time(pid_t thread) noexcept {
  timespec time{};
  if (::clock_gettime(clock_of(thread), &time) != 0) {
    return Duration::zero();
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace simul::os
