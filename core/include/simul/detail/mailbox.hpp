// How other threads reach a loop: what they post goes to its ready queue, in order. A mailbox
// outlives its loop, so that posting to one that has ended is an answer (false) and not a crash.
#pragma once

#include <functional>
#include <mutex>

#include <simul/detail/ready.hpp>
#include <simul/export.hpp>

namespace simul::detail {

class SIMUL_EXPORT Mailbox {
 public:
  using Callback = std::move_only_function<void()>;

  /// `notify` must be callable from any thread until close().
  explicit Mailbox(std::move_only_function<void()> notify) : notify_(std::move(notify)) {}
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// False: the loop has ended, and `callback` was destroyed uncalled. Thread: any.
  bool post(Callback callback);
  /// As post(), of an entry that stays its owner's; nothing is allocated. Of one that lives in a task
  /// of the loop: the loop ends after its tasks, so it always arrives. Thread: any.
  bool post(Ready& entry) noexcept;

  /// Moves everything posted so far to `queue`. Thread: the loop's.
  void collect(ReadyQueue& queue);

  /// From now on post() says false; what was posted and not collected is destroyed uncalled.
  /// Thread: the loop's.
  void close();

 private:
  class Posted;

  std::mutex mutex_;
  ReadyQueue posted_;  // guarded by mutex_
  Callback notify_;
  bool closed_ = false;
};

}  // namespace simul::detail
