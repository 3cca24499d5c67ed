#include "inspect/inspector_thread.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <expected>
#include <limits>
#include <string_view>
#include <utility>

#include <simul/environment.hpp>

#include "inspect/request.hpp"
#include "loop_access.hpp"
#include "running_loops.hpp"

namespace simul::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostClients = 16;
constexpr std::size_t kLongestLine = 4096;
constexpr Duration kPatience = 10s;
constexpr Duration kPauseWithoutDescriptors = 100ms;

std::string what(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace

class InspectorThread::Client {
 public:
  Client(int fd, TimePoint now) noexcept : fd_(fd), moved_(now) {}
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  [[nodiscard]] bool gone() const noexcept { return gone_; }
  [[nodiscard]] bool counts_time() const noexcept { return memory_.counts_time; }

  /// The last thing that it is told.
  void refuse(std::string_view why) {
    out_ = error_answer(why) + '\n';
    ended_ = true;
    in_.clear();
  }

  /// What poll() is to wait for. The end of the connection it tells in any case.
  [[nodiscard]] short events() const noexcept {
    if (!out_.empty()) {
      return POLLOUT;
    }
    return command_ || ended_ ? 0 : POLLIN;
  }
  [[nodiscard]] TimePoint deadline() const noexcept {
    const TimePoint patience = out_.empty() && in_.empty() ? kNever : moved_ + kPatience;
    return command_ ? command_->deadline() : patience;
  }

  void happened(short events, TimePoint now) {
    if ((events & (POLLHUP | POLLERR)) != 0 && (events & POLLIN) == 0) {
      gone_ = true;
    } else if ((events & POLLIN) != 0) {
      receive(now);
    }
  }

  /// As far as it goes now.
  void go_on(const InspectedProgram& program, TimePoint now) noexcept {
    try {
      while (!gone_ && send(now) && (finish_command(now) || begin_command(program))) {
      }
    } catch (...) {  // the program's counters may throw, and memory may run out
      fail(std::current_exception());
    }
    gone_ = gone_ || (ended_ && out_.empty() && !command_) || (!command_ && deadline() <= now);
  }

 private:
  void fail(const std::exception_ptr& error) noexcept {
    command_.reset();
    try {
      refuse("no answer: " + what(error));
    } catch (...) {
      gone_ = true;
    }
  }

  void receive(TimePoint now) {
    char buffer[1024];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count > 0) {
      in_.append(buffer, static_cast<std::size_t>(count));
      moved_ = now;
    } else if (count == 0) {
      ended_ = true;
    } else {
      gone_ = errno != EAGAIN && errno != EINTR;
    }
  }

  /// True: everything has gone.
  bool send(TimePoint now) {
    while (sent_ < out_.size()) {
      const ssize_t count = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
      if (count < 0) {
        gone_ = errno != EAGAIN && errno != EINTR;
        return false;
      }
      sent_ += static_cast<std::size_t>(count);
      moved_ = now;
    }
    out_ = {};  // a large answer doesn't stay
    sent_ = 0;
    return true;
  }

  /// False: there is none, or it isn't through.
  bool finish_command(TimePoint now) {
    if (!command_ || !command_->go_on(now)) {
      return false;
    }
    out_ = command_->answer() + '\n';
    command_.reset();
    moved_ = now;
    return true;
  }

  /// False: no line is there.
  bool begin_command(const InspectedProgram& program) {
    if (command_) {
      return false;
    }
    const std::size_t end = in_.find('\n');
    if (std::min(end, in_.size()) > kLongestLine) {
      refuse("a line of more than " + std::to_string(kLongestLine) + " bytes");
      return true;
    }
    if (end == std::string::npos) {
      return false;
    }
    const std::expected<InspectRequest, std::string> request =
        InspectRequest::parse(std::string_view(in_).substr(0, end));
    in_.erase(0, end + 1);
    if (!request) {
      out_ = error_answer("not a request: " + request.error()) + '\n';
      return true;
    }
    try {
      command_ = InspectCommand::begin(*request, memory_, program);
    } catch (const RequestError& error) {
      out_ = error_answer(error.what()) + '\n';
    }
    return true;
  }

  const int fd_;
  std::string in_;
  std::string out_;
  std::size_t sent_ = 0;
  TimePoint moved_;     // when bytes went last, in either direction
  bool ended_ = false;  // nothing more is read
  bool gone_ = false;
  ClientMemory memory_;
  std::unique_ptr<InspectCommand> command_;
};

InspectorThread::InspectorThread(InspectorOptions options) : socket_(options.path) {
  program_.counters = std::move(options.counters);
  // Signals that are meant for the process are for the program's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { serve(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread_.native_handle(), "simul-inspector");
}

InspectorThread::~InspectorThread() {
  if (socket_.is_of_parent()) {
    thread_.detach();  // a fork has no such thread
    return;
  }
  stopping_.store(true, std::memory_order_relaxed);
  program_.wakeup->signal();
  thread_.join();
}

void InspectorThread::serve() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    const TimePoint now = Environment::real().now();
    for (auto client = clients_.begin(); client != clients_.end();) {
      client->go_on(program_, now);
      client = client->gone() ? clients_.erase(client) : std::next(client);
    }
    count_time();
    wait(now);
  }
  clients_.clear();
  count_time();
}

/// Until something happens, and takes it in.
void InspectorThread::wait(TimePoint now) {
  const bool accepts = accepts_from_ <= now;
  TimePoint deadline = accepts ? kNever : accepts_from_;
  std::vector<pollfd> watched = {
      {.fd = program_.wakeup->descriptor(), .events = POLLIN, .revents = 0},
      {.fd = accepts ? socket_.descriptor() : -1, .events = POLLIN, .revents = 0}};
  for (const Client& client : clients_) {
    watched.push_back({.fd = client.descriptor(), .events = client.events(), .revents = 0});
    deadline = std::min(deadline, client.deadline());
  }
  int timeout = -1;
  if (deadline != kNever) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }
  if (::poll(watched.data(), watched.size(), timeout) < 0) {
    return;  // EINTR; ENOMEM passes, too
  }
  const TimePoint later = Environment::real().now();
  if (watched[0].revents != 0) {
    program_.wakeup->clear();
  }
  auto state = watched.begin() + 2;
  for (Client& client : clients_) {
    client.happened((state++)->revents, later);
  }
  if (watched[1].revents != 0) {
    accept(later);
  }
}

void InspectorThread::accept(TimePoint now) {
  const int fd = socket_.accept();
  if (fd < 0) {
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      accepts_from_ = now + kPauseWithoutDescriptors;
    }
    return;
  }
  Client& client = clients_.emplace_back(fd, now);
  if (!InspectorSocket::may_ask(fd)) {
    client.refuse("only the user of this process and root may ask");
  } else if (clients_.size() > kMostClients) {
    client.refuse("there are " + std::to_string(kMostClients) + " clients already");
  }
}

/// The loops count while a client wants it; also those that began to run meanwhile.
void InspectorThread::count_time() {
  const auto tell = [](Mailbox& loop, bool on) {
    loop.post(
        [on] { LoopAccess::count_time(Loop::current(), StepObserver::Asker::inspector, on); });
  };
  if (std::ranges::none_of(clients_, &Client::counts_time)) {
    for (const std::shared_ptr<Mailbox>& loop : std::exchange(counting_, {})) {
      tell(*loop, false);
    }
    return;
  }
  std::vector<std::shared_ptr<Mailbox>> running;
  for (RunningLoops::Reachable& loop : RunningLoops::instance().reach()) {
    if (std::ranges::find(counting_, loop.mailbox) == counting_.end()) {
      tell(*loop.mailbox, true);
    }
    running.push_back(std::move(loop.mailbox));
  }
  counting_ = std::move(running);
}

}  // namespace simul::detail
