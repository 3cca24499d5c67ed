#include <simul/to_thread.hpp>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <simul/detail/task_base.hpp>

#include "loop_access.hpp"
#include "reactor.hpp"
#include "thread_jobs.hpp"

namespace simul {

ThreadLimiter::ThreadLimiter(std::size_t limit)
    : slots_(std::make_shared<detail::ThreadSlots>(limit)) {
  if (limit == 0) {
    throw std::logic_error("a ThreadLimiter of 0 would let no job start");
  }
}
ThreadLimiter::~ThreadLimiter() {
  assert(waiting() == 0 && "a ThreadLimiter outlives those that wait for it");
}

std::size_t ThreadLimiter::limit() const noexcept { return slots_->limit(); }
std::size_t ThreadLimiter::running() const noexcept { return slots_->running(); }
std::size_t ThreadLimiter::waiting() const noexcept { return slots_->waiting(); }

namespace detail {

ThreadJob::~ThreadJob() = default;

ThreadLeaf::ThreadLeaf(std::unique_ptr<ThreadJob> job) noexcept : job_(std::move(job)) {}
ThreadLeaf::~ThreadLeaf() = default;

void ThreadLeaf::await_suspend(std::coroutine_handle<>) {
  if (slots_ == nullptr) {
    slots_ = LoopAccess::reactor(loop()).jobs().slots();
  }
  slots_->take(*this);
  suspend();
}

bool ThreadLeaf::on_cancel() noexcept {
  if (flight_ == nullptr) {
    slots_->forget(*this);
    return true;
  }
  if (flight_->recall(job_)) {  // to be destroyed in the caller's time, not later
    flight_ = nullptr;
    return true;
  }
  flight_->request_stop();
  if (!may_abandon_) {
    return false;
  }
  std::exchange(flight_, nullptr)->forget_leaf();
  return true;
}

void ThreadSlots::take(ThreadLeaf& leaf) {
  if (running_ + waiting_ == 0) {
    user_ = &leaf.loop();
  } else if (user_ != &leaf.loop()) {
    throw std::logic_error("a ThreadLimiter belongs to the tasks of one loop");
  }
  if (running_ < limit_) {
    ++running_;
    ThreadFlight::start(leaf);
    return;
  }
  leaf.previous_ = std::exchange(last_, &leaf);
  (leaf.previous_ != nullptr ? leaf.previous_->next_ : first_) = &leaf;
  ++waiting_;
}

void ThreadSlots::forget(ThreadLeaf& leaf) noexcept {
  (leaf.previous_ != nullptr ? leaf.previous_->next_ : first_) = leaf.next_;
  (leaf.next_ != nullptr ? leaf.next_->previous_ : last_) = leaf.previous_;
  leaf.previous_ = leaf.next_ = nullptr;
  --waiting_;
}

void ThreadSlots::give_back() noexcept {
  if (first_ == nullptr) {
    --running_;
    return;
  }
  ThreadLeaf& next = *first_;
  forget(next);
  ThreadFlight::start(next);
}

ThreadFlight::ThreadFlight(ThreadLeaf& leaf) noexcept
    : pooled_(LoopAccess::has_threads(leaf.loop())),
      reactor_(LoopAccess::reactor(leaf.loop())),
      job_(std::move(leaf.job_)),
      slots_(leaf.slots_),
      leaf_(&leaf),
      context_(leaf.task().context()) {}

void ThreadFlight::start(ThreadLeaf& leaf) noexcept {
  // Nobody could be told of no memory: those in line wait for this one to start.
  leaf.flight_ = new ThreadFlight(leaf);  // NOLINT(bugprone-unhandled-exception-at-new)
  leaf.flight_->reactor_.jobs().started();
  if (leaf.flight_->pooled_) {
    leaf.flight_->queue();
  } else {
    LoopAccess::push_ready(leaf.loop(), *leaf.flight_);
  }
}

void ThreadFlight::queue() noexcept {
  request_.data = this;
  [[maybe_unused]] const int status = uv_queue_work(
      reactor_.uv(), &request_,
      [](uv_work_t* request) { static_cast<ThreadFlight*>(request->data)->fly(); },
      [](uv_work_t* request, int) { static_cast<ThreadFlight*>(request->data)->land(); });
  assert(status == 0);
}

void ThreadFlight::fly() noexcept {
  const JobContext context(context_);
  job_->run();
}

void ThreadFlight::run_ready() noexcept {
  if (job_ != nullptr) {
    flying_ = true;
    fly();
  }
  land();
}

bool ThreadFlight::recall(std::unique_ptr<ThreadJob>& job) noexcept {
  // Without threads only the job itself can ask for this while it runs.
  if (pooled_ ? uv_cancel(reinterpret_cast<uv_req_t*>(&request_)) != 0 : flying_) {
    return false;
  }
  forget_leaf();
  job = std::move(job_);
  return true;
}

void ThreadFlight::forget_leaf() noexcept {
  leaf_ = nullptr;
  reactor_.jobs().abandoned();
}

void ThreadFlight::land() noexcept {
  reactor_.jobs().landed(leaf_ != nullptr);
  if (leaf_ != nullptr) {
    leaf_->job_ = std::move(job_);
    leaf_->flight_ = nullptr;
    leaf_->wake();
  }
  const std::shared_ptr<ThreadSlots> slots = std::move(slots_);
  delete this;
  slots->give_back();
}

const std::shared_ptr<ThreadSlots>& ThreadJobs::slots() {
  if (slots_ == nullptr) {
    slots_ = std::make_shared<ThreadSlots>(thread_pool_size());
  }
  return slots_;
}

std::size_t thread_pool_size() noexcept {
  static const std::size_t size = [] {
    const char* wanted = std::getenv("UV_THREADPOOL_SIZE");
    const int number = wanted != nullptr ? std::atoi(wanted) : 4;
    return static_cast<std::size_t>(std::clamp(number, 1, 1024));
  }();
  return size;
}

}  // namespace detail
}  // namespace simul
