#include <simul/capacity_limiter.hpp>

#include <cassert>
#include <stdexcept>
#include <utility>

#include <simul/detail/task_base.hpp>

#include "loop_access.hpp"

namespace simul {

CapacityLimiter::~CapacityLimiter() {
  assert(borrowed_ == 0 && "a capacity limiter outlives those who borrow from it");
}

CapacityLimiter::Token CapacityLimiter::try_acquire() {
  detail::TaskBase* task = detail::LoopAccess::current_task_or_null();
  if (task == nullptr) {
    throw std::logic_error("only a task can borrow from a capacity limiter");
  }
  require_none(*task);
  Token token;
  if (available() > 0) {
    token.borrow(*this, *task);
  }
  return token;
}

void CapacityLimiter::set_total(std::size_t total) noexcept {
  total_ = total;
  serve();
}

CapacityLimiter::Statistics CapacityLimiter::statistics() const {
  Statistics statistics{
      .total = total_, .borrowed = borrowed_, .waiting = waiters_.size(), .borrowers = {}};
  for (const Token* token = borrowers_; token != nullptr; token = token->next_) {
    statistics.borrowers.emplace_back(token->borrower_->name());
  }
  return statistics;
}

void CapacityLimiter::require_none(const detail::TaskBase& task) const {
  for (const Token* token = borrowers_; token != nullptr; token = token->next_) {
    if (token->borrower_ == &task) {
      throw std::logic_error("this task has a token of this capacity limiter already");
    }
  }
}

void CapacityLimiter::serve() noexcept {
  while (available() > 0 && !waiters_.empty()) {
    static_cast<Borrow&>(waiters_.front()).take();
    waiters_.serve_first();
  }
}

CapacityLimiter::Token& CapacityLimiter::Token::operator=(Token&& other) noexcept {
  if (this != &other) {
    if (limiter_ != nullptr) {
      give_back();
    }
    take_over(other);
  }
  return *this;
}

void CapacityLimiter::Token::release() {
  if (limiter_ == nullptr) {
    throw std::logic_error("this token is empty");
  }
  give_back();
}

void CapacityLimiter::Token::borrow(CapacityLimiter& limiter, detail::TaskBase& borrower) noexcept {
  borrower.add_reference();
  limiter_ = &limiter;
  borrower_ = &borrower;
  next_ = std::exchange(limiter.borrowers_, this);
  link_ = &limiter.borrowers_;
  if (next_ != nullptr) {
    next_->link_ = &next_;
  }
  ++limiter.borrowed_;
}

void CapacityLimiter::Token::give_back() noexcept {
  *link_ = next_;
  if (next_ != nullptr) {
    next_->link_ = link_;
  }
  CapacityLimiter& limiter = *std::exchange(limiter_, nullptr);
  --limiter.borrowed_;
  std::exchange(borrower_, nullptr)->drop_reference();
  limiter.serve();
}

void CapacityLimiter::Token::take_over(Token& other) noexcept {
  limiter_ = std::exchange(other.limiter_, nullptr);
  if (limiter_ == nullptr) {
    return;
  }
  borrower_ = std::exchange(other.borrower_, nullptr);
  next_ = other.next_;
  link_ = other.link_;
  *link_ = this;
  if (next_ != nullptr) {
    next_->link_ = &next_;
  }
}

bool CapacityLimiter::Borrow::await_ready() {
  check_cancelled();
  limiter_.require_none(task());
  return attempt();
}

bool CapacityLimiter::Borrow::take() noexcept {
  if (limiter_.available() == 0) {
    return false;
  }
  token_.borrow(limiter_, task());
  return true;
}

}  // namespace simul
