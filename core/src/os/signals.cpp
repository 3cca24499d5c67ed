#include <simul/signals.hpp>

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "watch.hpp"

namespace simul {

using detail::FdWatch;

SignalSet::SignalSet(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    sigaddset(&set, signal);
  }
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    throw std::system_error(error, std::system_category(), "pthread_sigmask");
  }
  fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) {
    throw std::system_error(errno, std::system_category(), "signalfd");
  }
}

SignalSet::~SignalSet() {
  if (watch_ != nullptr) {
    assert(!watch_->waits(FdWatch::Op::recv) && "a SignalSet outlives the one who waits for it");
    watch_->close();
  }
  ::close(fd_);
}

bool SignalSet::Next::await_ready() {
  check_cancelled();
  return attempt();
}

void SignalSet::Next::await_suspend(std::coroutine_handle<>) {
  std::error_code error;
  if (signals_.watch_ == nullptr) {
    signals_.watch_ = FdWatch::open(loop(), signals_.fd_, error);
  }
  if (!error) {
    error = signals_.watch_->wait(FdWatch::Op::recv, FdWatch::kReadable, *this);
  }
  if (error) {
    throw std::system_error(error, "waiting for signals");
  }
  suspend();
}

bool SignalSet::Next::attempt() noexcept {
  signalfd_siginfo info{};
  if (::read(signals_.fd_, &info, sizeof info) != sizeof info) {
    return false;
  }
  signal_ = static_cast<int>(info.ssi_signo);
  return true;
}

bool SignalSet::Next::on_wake() noexcept {
  if (scope_cancelled()) {
    on_cancel();
    mark_cancelled();
    return true;
  }
  if (attempt()) {
    return true;
  }
  signals_.watch_->drained(FdWatch::kReadable);
  return bool(signals_.watch_->wait(FdWatch::Op::recv, FdWatch::kReadable, *this));
}

bool SignalSet::Next::on_cancel() noexcept {
  signals_.watch_->forget(FdWatch::Op::recv);
  return true;
}

int SignalSet::Next::await_resume() const {
  throw_if_cancelled();
  return signal_;
}

}  // namespace simul
