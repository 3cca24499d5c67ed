#include <simul/detail/mailbox.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include <simul/exception_group.hpp>
#include <simul/log.hpp>

namespace simul::detail {

class Mailbox::Posted final : public Ready {
 public:
  explicit Posted(Callback callback) : callback_(std::move(callback)) {}

 private:
  void run_ready() noexcept override {
    const std::unique_ptr<Posted> self(this);
    try {
      callback_();
    } catch (...) {
      log(LogLevel::error, "a posted callback failed: " + describe(std::current_exception()));
    }
  }

  Callback callback_;
};

Mailbox::~Mailbox() = default;

bool Mailbox::post(Callback callback) {
  if (!callback) {
    throw std::invalid_argument("post() of an empty function");
  }
  auto posted = std::make_unique<Posted>(std::move(callback));
  if (!post(*posted)) {
    return false;
  }
  std::ignore = posted.release();
  return true;
}

bool Mailbox::post(Ready& entry) noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_) {
    return false;
  }
  const bool first = posted_.empty();
  posted_.push(entry);
  if (first) {
    notify_();
  }
  return true;
}

void Mailbox::collect(ReadyQueue& queue) {
  const std::lock_guard lock(mutex_);
  while (!posted_.empty()) {
    queue.push(posted_.pop());
  }
}

void Mailbox::close() {
  ReadyQueue dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    while (!posted_.empty()) {
      dropped.push(posted_.pop());
    }
  }
  while (!dropped.empty()) {
    delete static_cast<Posted*>(&dropped.pop());  // what tasks own has arrived: they are gone
  }
}

}  // namespace simul::detail
