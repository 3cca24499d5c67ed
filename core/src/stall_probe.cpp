#include "stall_probe.hpp"

#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <ctime>

#include <simul/detail/task_base.hpp>

#include "loop_access.hpp"

namespace simul::detail {
namespace {

enum class State : std::uint8_t {
  idle,      // a signal that comes now is late
  asked,     // the thread that is named below may take the question
  answering  // it writes
};

/// The question and its answer. Static, for a signal may come when the watchdog is gone.
struct Mail {
  std::atomic<State> state{State::idle};
  std::atomic<pid_t> thread{0};
  const Loop* loop = nullptr;
  RunningLoops::Glimpse step;
  bool over = false;
  StallReport report;
  sem_t answered{};
  struct sigaction previous{};  // the handler that was there before ours
};

constinit Mail mail;

void describe_task(const TaskBase& task, StallReport& report) noexcept {
  report.in_task = true;
  const std::string_view name = task.name();
  report.name_size = std::min(name.size(), report.name.size());
  std::copy_n(name.begin(), report.name_size, report.name.begin());
  report.await_count = task.await_sites(report.awaits);
}

void answer() noexcept {
  StallReport& report = mail.report;
  report.in_task = false;
  report.name_size = 0;
  report.await_count = 0;
  Loop* const loop = Loop::current_or_null();
  // Only the current loop is known to be alive.
  mail.over = loop != mail.loop || LoopAccess::turn(*loop) != mail.step.turn ||
              LoopAccess::step(*loop) != mail.step.step;
  if (mail.over) {
    return;
  }
  report.stack.collect();
  if (const TaskBase* task = LoopAccess::current_task(*loop)) {
    describe_task(*task, report);
  }
}

void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  // A handler that was installed over that of an earlier watchdog passes it on to this one in its turn.
  [[gnu::tls_model("initial-exec")]] static thread_local constinit bool passing = false;
  if (passing) {
    return;
  }
  passing = true;
  const struct sigaction& previous = mail.previous;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  }
  passing = false;
}

/// Ours carries this, so that one which comes too late isn't taken for somebody else's.
bool is_ours(const siginfo_t& info) noexcept {
  return info.si_code == SI_QUEUE && info.si_value.sival_ptr == &mail;
}

bool send_to(pid_t thread) noexcept {
  siginfo_t info{};
  info.si_signo = StallProbe::kSignal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = &mail;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), thread, StallProbe::kSignal, &info) == 0;
}

void on_signal(int signal, siginfo_t* info, void* context) noexcept {
  const int error = errno;
  State asked = State::asked;
  if (!is_ours(*info)) {
    pass_on(signal, info, context);
  } else if (mail.thread.load(std::memory_order_acquire) == ::gettid() &&
             mail.state.compare_exchange_strong(asked, State::answering,
                                                std::memory_order_acquire)) {
    answer();
    mail.state.store(State::idle, std::memory_order_release);
    ::sem_post(&mail.answered);
  }
  errno = error;
}

bool wait_for_answer(long nanoseconds) noexcept {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += nanoseconds;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  int result = 0;
  do {
    result = ::sem_clockwait(&mail.answered, CLOCK_MONOTONIC, &until);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool is_installed() noexcept {
  struct sigaction installed{};
  ::sigaction(StallProbe::kSignal, nullptr, &installed);
  return (installed.sa_flags & SA_SIGINFO) != 0 && installed.sa_sigaction == on_signal;
}

}  // namespace

StallProbe::StallProbe() {
  NativeStack().collect();  // the first time it may load and allocate
  [[maybe_unused]] static const int once = ::sem_init(&mail.answered, 0, 0);
  struct sigaction action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (!is_installed()) {  // a fork inherits it
    ::sigaction(kSignal, nullptr, &mail.previous);
    ::sigaction(kSignal, &action, nullptr);
  }
}

StallProbe::~StallProbe() {
  if (is_installed()) {
    ::sigaction(kSignal, &mail.previous, nullptr);
  }
}

StallProbe::Answer StallProbe::ask(const RunningLoops::Glimpse& step) {
  bool sent = false;
  RunningLoops::instance().while_in(step, [&](const Loop& loop) {
    mail.loop = &loop;
    mail.step = step;
    mail.thread.store(step.thread, std::memory_order_relaxed);
    mail.state.store(State::asked, std::memory_order_release);
    sent = send_to(step.thread);
  });
  if (!sent) {
    mail.state.store(State::idle, std::memory_order_relaxed);
    return Answer::over;
  }
  constexpr long kPatience = 50'000'000;
  if (!wait_for_answer(kPatience)) {
    State asked = State::asked;
    if (mail.state.compare_exchange_strong(asked, State::idle)) {
      return Answer::none;
    }
    ::sem_wait(&mail.answered);  // it is just writing
  }
  [[maybe_unused]] const State state = mail.state.load(std::memory_order_acquire);
  assert(state == State::idle);
  return mail.over ? Answer::over : Answer::here;
}

const StallReport& StallProbe::report() const noexcept { return mail.report; }

}  // namespace simul::detail
