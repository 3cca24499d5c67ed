// recv and send without libc's detour: once a process has a second thread, glibc turns thread
// cancellation on and off around each of them, which costs more instructions than the rest of an
// echo. We never cancel threads.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace simul::os {

/// A system call of six arguments; a negated errno on error, as the kernel gives it.
inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f) noexcept {
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#else
  const long result = ::syscall(number, a, b, c, d, e, f);
  return result < 0 ? -errno : result;
#endif
}

/// As ::recv; a negated errno on error.
inline ssize_t receive(int fd, void* buffer, std::size_t size) noexcept {
  return raw_syscall(SYS_recvfrom, fd, reinterpret_cast<long>(buffer), static_cast<long>(size), 0,
                     0, 0);
}

/// As ::send with MSG_NOSIGNAL; a negated errno on error.
inline ssize_t send(int fd, const void* bytes, std::size_t size) noexcept {
  return raw_syscall(SYS_sendto, fd, reinterpret_cast<long>(bytes), static_cast<long>(size),
                     MSG_NOSIGNAL, 0, 0);
}

}  // namespace simul::os
